package wire

// signature is the elements of an array by their JSON types: how many there
// are, and for each of the first ten which type it has or may have.
type signature struct {
	n     int
	types uint64
}

// jsonType is what a JSON value is; one bit each.
type jsonType uint64

const (
	typeString jsonType = 1 << iota
	typeNumber
	typeBool
	typeNull
	typeArray
	typeObject
	typeAny = 1<<iota - 1

	typeBits     = 6
	maxSignature = 64 / typeBits
)

// typesOf is how each kind is written in JSON; what is not here is a string.
var typesOf = [numFields]jsonType{
	FieldTime:    typeNumber,
	FieldNumber:  typeNumber,
	FieldBool:    typeBool | typeNumber,
	FieldKeys:    typeArray,
	FieldList:    typeArray,
	FieldTuple:   typeArray,
	FieldObject:  typeObject,
	FieldContent: typeObject | typeArray,
}

// add notes the type of the next element.
func (s *signature) add(t jsonType) {
	if s.n < maxSignature {
		s.types |= uint64(t) << (s.n * typeBits)
	}
	s.n++
}

// fits reports whether elements of these types are what shape allows.
func (s signature) fits(shape signature) bool {
	return s.n == shape.n && s.types&^shape.types == 0
}

func signatureOf(columns []Column) (s signature) {
	for _, c := range columns {
		t := typesOf[c.Kind]
		if t == 0 {
			t = typeString
		}
		if c.Null {
			t |= typeNull
		}
		s.add(t)
	}
	return s
}

// work fills in what follows from the rest of a shape.
func (r *RowShape) work() {
	r.in = releasesBetween(r.Since, r.Before)
	r.outer = signatureOf(r.Columns)
	if r.Tag != "" && r.Columns[1].Kind == FieldTuple {
		r.inner = signatureOf(r.Columns[1].Columns)
	}
}
