package pyyaml

import "regexp"

// Tags of YAML 1.1, without "tag:yaml.org,2002:".
const (
	tagNull      = "null"
	tagBool      = "bool"
	tagInt       = "int"
	tagFloat     = "float"
	tagString    = "str"
	tagBinary    = "binary"
	tagTimestamp = "timestamp"
	tagMerge     = "merge"
	tagValue     = "value"
	tagYAML      = "yaml"
	tagList      = "seq"
	tagMap       = "map"
	tagSet       = "set"
	tagOmap      = "omap"
	tagPairs     = "pairs"
)

// plainForms are what a plain scalar is taken for, the first that matches; else a string.
var plainForms = []struct {
	tag  string
	form *regexp.Regexp
}{
	{tagNull, regexp.MustCompile(`^(?:~|null|Null|NULL|)$`)},
	{tagBool, regexp.MustCompile(`^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$`)},
	{tagFloat, regexp.MustCompile(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?` +
		`|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?` +
		`|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*` +
		`|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)},
	{tagInt, regexp.MustCompile(`^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+` +
		`|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)},
	{tagTimestamp, regexp.MustCompile(`^(?:[0-9]{4}-[0-9]{2}-[0-9]{2}` +
		`|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?` +
		`(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?)$`)},
	{tagMerge, regexp.MustCompile(`^<<$`)},
	{tagValue, regexp.MustCompile(`^=$`)},
	{tagYAML, regexp.MustCompile(`^[!&*]$`)},
}

// resolvePlain gives the tag of a plain scalar.
func resolvePlain(text string) string {
	for _, p := range plainForms {
		if p.form.MatchString(text) {
			return p.tag
		}
	}
	return tagString
}
