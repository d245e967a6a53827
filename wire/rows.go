package wire

import "fmt"

// rowFault is what is odd about a row's shape.
type rowFault uint8

const (
	rowFits    rowFault = iota
	rowType             // as many elements as there should be, but one is of another type
	rowLength           // too many or too few elements
	rowTag              // a first element that none of the releases has there
	rowNoArray          // no array at all
)

// fits looks for the shape of s that the row has in one of the releases of set.
// Where none fits, it says what is wrong with the nearest.
func (s *Stream) fits(v *rowView, set ReleaseSet) (*RowShape, rowFault) {
	if v.whole != typeArray {
		return nil, rowNoArray
	}
	var near *RowShape
	fault := rowFits
	for i := range s.Shapes {
		r := &s.Shapes[i]
		if r.in&set == 0 {
			continue
		}
		f := r.check(v)
		if f == rowFits {
			return r, rowFits
		}
		if near == nil || f < fault {
			near, fault = r, f
		}
	}
	if near == nil {
		return nil, rowTag
	}
	return near, fault
}

// only is the one shape of s that a row can have, by its types or, where they fit
// none, by how many elements it has; nil when there are several or none.
func (s *Stream) only(v *rowView) (one *RowShape) {
	if v.whole != typeArray {
		return nil
	}
	fits, counts := 0, 0
	var fit, count *RowShape
	for i := range s.Shapes {
		switch r := &s.Shapes[i]; r.check(v) {
		case rowFits:
			fit, fits = r, fits+1
		case rowType:
			count, counts = r, counts+1
		}
	}
	switch {
	case fits == 1:
		return fit
	case fits == 0 && counts == 1:
		return count
	}
	return nil
}

// check holds a row against the shape.
func (r *RowShape) check(v *rowView) rowFault {
	if r.Tag != "" && string(v.tag) != r.Tag {
		return rowTag
	}
	if v.outer.n != r.outer.n {
		return rowLength
	}
	switch {
	case r.inner.n != 0 && v.outer.types>>typeBits == uint64(typeArray) && v.inner.n != r.inner.n:
		return rowLength
	case !v.outer.fits(r.outer), r.inner.n != 0 && !v.inner.fits(r.inner):
		return rowType
	}
	return rowFits
}

// elements is how many a row of the shape has; of a tagged one, its second
// element.
func (r *RowShape) elements() int {
	if r.inner.n != 0 {
		return r.inner.n
	}
	return r.outer.n
}

// shapeFinding says in words what is wrong with a row. Receivers count the elements
// and look at nothing else.
func shapeFinding(s *Stream, near *RowShape, fault rowFault, v *rowView, who string) Finding {
	f := Finding{Code: CodeRowShape}
	switch fault {
	case rowNoArray:
		f.Detail = fmt.Sprintf("the row of %s is no array", s.Name)
	case rowTag:
		f.Detail = fmt.Sprintf("the row of %s begins with no tag that %s has", s.Name, who)
	case rowLength:
		f.Detail = fmt.Sprintf("%s has %d elements, where %s has %d", near.title(s), elementsIn(near, v), who, near.elements())
	case rowType:
		f.Detail = fmt.Sprintf("%s has in %s a value of another JSON type than receivers expect", near.title(s), near.mistyped(v))
	}
	return f
}

// title names a kind of row: "a row of typing", "an ev row of events".
func (r *RowShape) title(s *Stream) string {
	if r.Tag == "" {
		return "a row of " + s.Name
	}
	return fmt.Sprintf("a row of %s with the tag %s", s.Name, r.Tag)
}

func elementsIn(r *RowShape, v *rowView) int {
	if r.inner.n != 0 && v.outer.n == r.outer.n {
		return v.inner.n
	}
	return v.outer.n
}

// mistyped names the first column that holds something of the wrong type.
func (r *RowShape) mistyped(v *rowView) string {
	if c := differs(v.outer, r.outer, r.Columns); c != "" || r.inner.n == 0 {
		return c
	}
	return differs(v.inner, r.inner, r.Columns[1].Columns)
}

func differs(have, want signature, columns []Column) string {
	for i := range columns {
		shift := i * typeBits
		if have.types>>shift&uint64(typeAny)&^(want.types>>shift) != 0 {
			return columns[i].Name
		}
	}
	return ""
}
