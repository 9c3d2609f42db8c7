package pyyaml

import "strings"

// strayTab finds a tab where PyYAML takes none, though YAML and yaml.v3 do: anywhere but in
// quotes, comments and block scalars. Tabs inside plain scalars, which look like anything, are
// found after parsing.
func strayTab(text string) bool {
	if !strings.Contains(text, "\t") || strings.ContainsAny(text, "|>") {
		return false
	}
	quote := byte(0)
	comment := false
	before := byte('\n')
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case comment:
			comment = c != '\n'
		case quote == '"' && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\t':
			return true
		case (c == '\'' || c == '"') && strings.IndexByte(" \n[{,:", before) >= 0:
			quote = c
		case c == '#' && (before == ' ' || before == '\n'):
			comment = true
		}
		before = c
	}
	return false
}
