package evtx

// Bounds on what one chunk may cost, however it is built. Real chunks stay
// below a tenth of each. Together they keep a Decoder below 128 MB in the worst
// case, counting arrays that were outgrown; with ordinary files it takes 1 MB.
// A chunk takes at most about a second.
const (
	// maxDepth bounds nested elements, and nested template instances.
	maxDepth = 64

	// maxRecordWork bounds what one record may expand to: steps run, tokens
	// parsed, array items. A value can be referred to any number of times and
	// hold further templates, so the size of the input alone is no bound.
	maxRecordWork = 1 << 16

	// maxChunkWork bounds the same for all records of a chunk together.
	maxChunkWork = 1 << 19

	// textWork is how many bytes of text made cost as much as a step.
	textWork = 32

	// maxPath bounds the name of a value that is a path of elements, in bytes.
	maxPath = 4 << 10

	// maxRecordText bounds the text made for one record (values that are put
	// together from several pieces), in bytes.
	maxRecordText = 1 << 20

	// maxRender bounds one record rendered as XML or JSON, in bytes.
	maxRender = 16 << 20

	// maxKeptNodes bounds the nodes of compiled templates kept for a chunk;
	// what is beyond is compiled anew for each record.
	maxKeptNodes = 1 << 16

	// usualNodes is what is kept of memory from one chunk to the next.
	usualNodes = 1 << 15

	// maxNames and maxNameBytes bound the table of names that a Decoder keeps
	// from chunk to chunk.
	maxNames     = 1 << 15
	maxNameBytes = 1 << 20

	// maxXML bounds the XML text of one event, in bytes.
	maxXML = 16 << 20

	// maxPlaces bounds the element paths that templates of a chunk are
	// compiled under.
	maxPlaces = 1 << 10
)
