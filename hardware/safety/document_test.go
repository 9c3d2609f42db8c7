package safety_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"guidedpolicysearch/hardware/safety"
)

// TestDocument: docs/safety.md names every parameter, and no test that there is not.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/safety.md")
	if err != nil {
		t.Fatal(err)
	}
	fields := reflect.TypeFor[safety.Config]()
	for i := range fields.NumField() {
		if name := fields.Field(i).Tag.Get("param"); !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("docs/safety.md does not name %q", name)
		}
	}
	source := ""
	for _, folder := range []string{".", "qp", "../../node", "../../node/trial"} {
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), "_test.go") {
				data, err := os.ReadFile(folder + "/" + e.Name())
				if err != nil {
					t.Fatal(err)
				}
				source += string(data)
			}
		}
	}
	for _, name := range regexp.MustCompile("`(Test[A-Za-z]+)`").FindAllStringSubmatch(string(text), -1) {
		if !strings.Contains(source, "func "+name[1]+"(") {
			t.Errorf("docs/safety.md names %s, which is no test", name[1])
		}
	}
}

func TestCheckNames(t *testing.T) {
	seen := map[string]bool{}
	for i := range safety.NumChecks {
		name := safety.CheckName(i)
		if name == "" || seen[name] {
			t.Errorf("check %d is named %q, expected a name of its own", i, name)
		}
		seen[name] = true
	}
	if last := safety.Responded; last != 1<<(safety.NumChecks-1) || safety.CheckName(safety.NumChecks-1) != "fault_response" || safety.CheckName(0) != "ramp" {
		t.Errorf("the last of %d checks is %b", safety.NumChecks, last)
	}
}
