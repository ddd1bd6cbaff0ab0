package validate

import (
	"encoding/xml"
	"fmt"
	"io"
)

// The elements of a JUnit report, as CI systems read it.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		File     string      `xml:"file,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     string      `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitMessage `xml:"failure,omitempty"`
		Skipped *junitMessage `xml:"skipped,omitempty"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes the report as JUnit XML: a suite a strategy, a test case a
// proof. What is not proven is a skipped test.
func (r *Report) WriteJUnit(w io.Writer) error {
	all := junitSuites{Name: "tocsin validate"}
	for i := range r.Strategies {
		suite := r.Strategies[i].junit()
		all.Tests += suite.Tests
		all.Failures += suite.Failures
		all.Suites = append(all.Suites, suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("write junit: %w", err)
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return fmt.Errorf("write junit: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (s *Strategy) junit() junitSuite {
	suite := junitSuite{Name: s.ID, File: s.Path}
	total := 0.0
	add := func(c junitCase) {
		c.Class = s.ID
		suite.Tests++
		if c.Failure != nil {
			suite.Failures++
		}
		if c.Skipped != nil {
			suite.Skipped++
		}
		suite.Cases = append(suite.Cases, c)
	}
	for i := range s.Proofs {
		p := &s.Proofs[i]
		c := junitCase{Name: p.Kind + ": " + p.Case + " (" + p.Shape + ")", Time: fmt.Sprintf("%.3f", p.Seconds)}
		if !p.Passed {
			c.Failure = &junitMessage{Message: p.String(), Text: p.Reason}
		}
		total += p.Seconds
		add(c)
	}
	for i, e := range s.Errors {
		add(junitCase{Name: fmt.Sprintf("error %d", i+1), Time: "0.000", Failure: &junitMessage{Message: e, Text: e}})
	}
	for i, e := range s.Warnings {
		add(junitCase{Name: fmt.Sprintf("warning %d", i+1), Time: "0.000", Skipped: &junitMessage{Message: e, Text: e}})
	}
	suite.Time = fmt.Sprintf("%.3f", total)
	return suite
}
