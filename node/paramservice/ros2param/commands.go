package ros2param

import (
	"context"
	"errors"
	"fmt"
	"os"

	"guidedpolicysearch/node/paramservice"
	"guidedpolicysearch/node/rcl"
)

func get(ctx context.Context, r *runner) error {
	node, client, err := r.find(ctx)
	if err != nil {
		return err
	}
	var values []rcl.Value
	if err := answered(ctx, func(ctx context.Context) (err error) { values, err = client.Get(ctx, r.positionals[1]); return }); err != nil {
		return err
	}
	if len(values) == 0 {
		return errors.New("Parameter not set")
	}
	v := values[0]
	switch {
	case r.json:
		return r.printJSON(parameterJSON{node, r.positionals[1], v.Type.String(), valueJSON(v)})
	case int(v.Type) >= len(labels):
		return fmt.Errorf("Unknown parameter type '%d'", v.Type)
	case r.hideType:
		r.print("%s\n", shown(v))
	case v.Type == rcl.NotSet:
		r.print("Parameter not set.\n")
	default:
		r.print("%s %s\n", labels[v.Type], shown(v))
	}
	return nil
}

func setOne(ctx context.Context, r *runner) error {
	_, client, err := r.find(ctx)
	if err != nil {
		return err
	}
	value, err := ParseValue(r.positionals[2])
	if err != nil {
		return err
	}
	return r.assign(ctx, client, []paramservice.Assignment{{Name: r.positionals[1], Value: value}},
		func(string) (string, string) { return "Set parameter successful", "Setting parameter failed" })
}

func deleteOne(ctx context.Context, r *runner) error {
	_, client, err := r.find(ctx)
	if err != nil {
		return err
	}
	return r.assign(ctx, client, []paramservice.Assignment{{Name: r.positionals[1]}},
		func(string) (string, string) { return "Deleted parameter successfully", "Deleting parameter failed" })
}

func load(ctx context.Context, r *runner) error {
	node, client, err := r.find(ctx)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(r.positionals[1])
	if err != nil {
		return err
	}
	list, err := assignments(string(text), node, !r.noWildcard)
	if err != nil {
		return fmt.Errorf("%s: %w", r.positionals[1], err)
	}
	return r.assign(ctx, client, list, func(name string) (string, string) {
		return "Set parameter " + name + " successful", "Set parameter " + name + " failed"
	})
}

// assign sets, and tells the verdict on each; a refusal is no failure of the command.
func (r *runner) assign(ctx context.Context, client *paramservice.Client, list []paramservice.Assignment, words func(name string) (good, bad string)) error {
	return answered(ctx, func(ctx context.Context) error {
		results, err := client.Set(ctx, list)
		if err != nil {
			return err
		}
		for i, result := range results {
			good, bad := words(list[i].Name)
			reason := ""
			if result.Reason != "" {
				reason = ": " + result.Reason
			}
			if result.Successful {
				r.print("%s%s\n", good, reason)
			} else {
				r.warn("%s%s\n", bad, reason)
			}
		}
		return nil
	})
}

func describe(ctx context.Context, r *runner) error {
	node, client, err := r.find(ctx)
	if err != nil {
		return err
	}
	return answered(ctx, func(ctx context.Context) error {
		descriptors, err := client.Describe(ctx, r.positionals[1:]...)
		if err != nil {
			return err
		}
		if r.json {
			list := []descriptorJSON{}
			for _, d := range descriptors {
				list = append(list, toJSON(node, d))
			}
			return r.printJSON(list)
		}
		for _, d := range descriptors {
			r.printDescriptor(d)
		}
		return nil
	})
}
