package node

import (
	"fmt"
	"io"
	"strings"

	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/rcl"
)

// ParameterDescription describes a parameter for other programs.
type ParameterDescription struct {
	Node        string `json:"node"`
	Name        string `json:"name"`
	Type        string `json:"type"`
	Description string `json:"description"`
	// Unit is SI, Range such as "(0, inf)", both of each element of an array; "" for none.
	Unit  string `json:"unit"`
	Range string `json:"range"`
	// Step is that of the values in the range, 0 for any.
	Step float64 `json:"step,omitempty"`
	// Choices are the texts that are allowed, nil for any.
	Choices []string `json:"choices,omitempty"`
	// Length is the array parameter of equal length, "" for none.
	Length string `json:"length,omitempty"`
	// Default is a boolean, a number, a text or an array of them.
	Default any `json:"default"`
	// Takes says when a change takes effect: now, trial, start or never.
	Takes string `json:"takes"`

	text string // the default as a parameter file has it
}

// DescribeParameters describes all parameters of the named nodes.
func DescribeParameters(names ...string) ([]ParameterDescription, error) {
	sets, err := declared(names)
	if err != nil {
		return nil, err
	}
	var list []ParameterDescription
	for i, set := range sets {
		for _, name := range set.Names() {
			list = append(list, describeParameter(names[i], set.Describe(name)))
		}
	}
	return list, nil
}

func describeParameter(node string, d params.Descriptor) ParameterDescription {
	out := ParameterDescription{Node: node, Name: d.Name, Type: d.Type.String(), Description: d.Description, Unit: d.Unit, Step: d.Step,
		Choices: d.Choices, Length: d.Length, Default: plain(d.Default), Takes: string(d.Takes)}
	if out.text = d.Default.String(); d.Default.Type >= rcl.ByteArray && d.Default.Len() == 0 {
		out.text = "[]"
	}
	if d.Range != nil {
		out.Range = d.Range.String()
	}
	return out
}

// plain returns a value as JSON has it.
func plain(v rcl.Value) any {
	list := func(n int, at func(int) any) []any {
		all := make([]any, n)
		for i := range all {
			all[i] = at(i)
		}
		return all
	}
	switch v.Type {
	case rcl.Bool:
		return v.Bool
	case rcl.Integer:
		return v.Int
	case rcl.Double:
		if finite(v.Double) == nil {
			return v.String() // JSON has no number for it
		}
		return v.Double
	case rcl.String:
		return v.Str
	case rcl.BoolArray:
		return list(len(v.Bools), func(i int) any { return v.Bools[i] })
	case rcl.IntegerArray:
		return list(len(v.Ints), func(i int) any { return v.Ints[i] })
	case rcl.DoubleArray:
		return list(len(v.Doubles), func(i int) any { return plain(rcl.Value{Type: rcl.Double, Double: v.Doubles[i]}) })
	case rcl.StringArray:
		return list(len(v.Strs), func(i int) any { return v.Strs[i] })
	}
	return nil
}

// WriteMarkdown writes a table of all parameters of the named nodes.
func WriteMarkdown(w io.Writer, names ...string) error {
	list, err := DescribeParameters(names...)
	if err != nil {
		return err
	}
	cell := strings.NewReplacer("|", `\|`, "\n", " ").Replace
	node := ""
	for _, p := range list {
		if p.Node != node {
			node = p.Node
			if _, err := fmt.Fprintf(w, "\n## %s\n\n| parameter | type | unit | range | default | takes effect | description |\n| --- | --- | --- | --- | --- | --- | --- |\n", node); err != nil {
				return err
			}
		}
		bounds := p.Range
		if p.Choices != nil {
			bounds = strings.Join(p.Choices, ", ")
		}
		if _, err := fmt.Fprintf(w, "| `%s` | %s | %s | %s | `%s` | %s | %s |\n", p.Name, p.Type, cell(p.Unit), cell(bounds), cell(p.text), takesText[params.Takes(p.Takes)], cell(p.Description)); err != nil {
			return err
		}
	}
	return nil
}

// takesText says when a change takes effect.
var takesText = map[params.Takes]string{params.AtOnce: "at once", params.AtTrial: "at the next trial", params.AtStart: "when the node is configured", params.Never: "not while it runs"}
