package evtx

// For tests outside the package, which can use evtxtest.
var (
	Flatten        = flatten
	FlattenLibevtx = libevtx
	DiffFlat       = diffFlat
	Corpus         = corpus
)

const MaxRecordWork = maxRecordWork
