package ros2param

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"guidedpolicysearch/node/paramservice/pyyaml"
	"guidedpolicysearch/node/rcl"
)

func dump(ctx context.Context, r *runner) error {
	node, client, err := r.find(ctx)
	if err != nil {
		return err
	}
	if info, err := os.Stat(r.outputDir); err != nil || !info.IsDir() {
		return fmt.Errorf("'%s' is not a valid directory.", r.outputDir)
	}
	var names []string
	values := map[string]rcl.Value{}
	if err := answered(ctx, func(ctx context.Context) (err error) { names, err = client.List(ctx, nil, 0); return }); err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		err := answered(ctx, func(ctx context.Context) error {
			got, err := client.Get(ctx, name)
			if err == nil && len(got) == 1 {
				values[name] = got[0]
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if r.json {
		list := []parameterJSON{}
		for _, name := range slices.Sorted(maps.Keys(values)) {
			list = append(list, parameterJSON{node, name, values[name].Type.String(), valueJSON(values[name])})
		}
		return r.printJSON(list)
	}
	text, err := dumpText(node, names, values)
	if err != nil {
		return err
	}
	if r.deprecated {
		r.warn("WARNING: '--print' is deprecated; this utility prints to stdout by default\n")
	}
	if r.outputDir == "." {
		r.print("%s\n", text)
		return nil
	}
	r.warn("WARNING: '--output-dir' is deprecated; use redirection to save to a file\n")
	path := filepath.Join(r.outputDir, strings.ReplaceAll(node[1:], "/", "__")+".yaml")
	r.print("Saving to:  %s\n", path)
	return os.WriteFile(path, []byte(text), 0o666)
}

// dumpText writes a parameter file. names are sorted.
func dumpText(node string, names []string, values map[string]rcl.Value) (string, error) {
	var parameters pyyaml.Value
	parameters.Kind = pyyaml.Dict
	for _, name := range names {
		v := pyyaml.Value{Kind: pyyaml.String, Text: "# Parameter not set"}
		if value, ok := values[name]; ok {
			v = python(value)
		}
		if err := insert(&parameters, strings.Split(name, "."), v); err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
	}
	under := func(key string, v pyyaml.Value) pyyaml.Value {
		return pyyaml.Value{Kind: pyyaml.Dict, Dict: []pyyaml.Entry{{Key: pyyaml.Value{Kind: pyyaml.String, Text: key}, Value: v}}}
	}
	return pyyaml.Dump(under(node, under("ros__parameters", parameters))), nil
}

func insert(dict *pyyaml.Value, path []string, v pyyaml.Value) error {
	if dict.Kind != pyyaml.Dict {
		return errors.New("a parameter whose name goes on after that of another cannot be written to a file")
	}
	at := slices.IndexFunc(dict.Dict, func(e pyyaml.Entry) bool { return e.Key.Text == path[0] })
	if at < 0 {
		at = len(dict.Dict)
		dict.Dict = append(dict.Dict, pyyaml.Entry{Key: pyyaml.Value{Kind: pyyaml.String, Text: path[0]}, Value: pyyaml.Value{Kind: pyyaml.Dict}})
	}
	if len(path) == 1 {
		dict.Dict[at].Value = v
		return nil
	}
	return insert(&dict.Dict[at].Value, path[1:], v)
}
