package strategy

type elasticMeta struct{}
type exceptionLists struct{}
type overlay struct{}

func (l *loader) toml(name string, src []byte)            {}
func (l *loader) yaml(name string, src []byte)            {}
func (l *loader) ndjson(name string, src []byte)          {}
func (l *loader) applyOverlays(byID map[string]*Strategy) {}
