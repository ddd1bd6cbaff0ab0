package eql

import (
	"strings"

	"github.com/tocsin-project/tocsin/event"
)

// types is a set of the types that an expression can have.
type types uint16

const (
	tNull types = 1 << iota
	tBool
	tInt
	tFloat
	tText
	tDate
	tIP
	tVersion
	tDynamic  // a field without a declared type: known only by its values
	tUnusable // a field that no condition can read

	tNumber = tInt | tFloat
	tAny    = tNull | tBool | tNumber | tText | tDate | tIP | tVersion | tDynamic
)

// param is one parameter of a function.
type param struct {
	accept   types
	constant bool
}

// function is a row of the table: what the checker needs and what runs.
type function struct {
	name   string
	fold   bool // has a ~ form
	params []param
	min    int  // arguments needed
	more   bool // the last parameter repeats
	result types
	nulls  bool // null for a null argument, so that it folds away
	arity  string
	body   func(c call, args []event.Value) event.Value
}

// call is what a function's body may use besides its arguments.
type call struct {
	*scope
	fold bool // the ~ form
}

// functions is the table, one part for each family.
var functions = [...][]function{textFunctions, numberFunctions}

// lookupFunction finds a function by its name in any case.
func lookupFunction(name string) *function {
	for _, family := range functions {
		for i := range family {
			if strings.EqualFold(family[i].name, name) {
				return &family[i]
			}
		}
	}
	return nil
}

func functionNames() []string {
	var out []string
	for _, family := range functions {
		for _, f := range family {
			out = append(out, f.name)
		}
	}
	return out
}

var (
	textParam   = param{accept: tText | tNull | tDynamic}
	numberParam = param{accept: tNumber | tNull | tDynamic}
	intParam    = param{accept: tInt | tNull | tDynamic}
	boolParam   = param{accept: tBool | tNull | tDynamic}
)
