package ros2param

import (
	"context"
	"slices"
	"sort"
	"strings"

	"guidedpolicysearch/node/paramservice"
	"guidedpolicysearch/node/transport"
)

func list(ctx context.Context, r *runner) error {
	var nodes []transport.GraphNode
	if len(r.positionals) > 0 && r.positionals[0] != "" {
		name, _, err := r.find(ctx)
		if err != nil {
			return err
		}
		i := strings.LastIndexByte(name, '/')
		nodes = []transport.GraphNode{{Name: name[i+1:], Namespace: max(name[:i], "/")}}
	} else {
		g, err := r.graph(ctx, func(*transport.Graph) bool { return false })
		if err != nil {
			return err
		}
		nodes = r.listed(g)
	}
	found := []descriptorJSON{}
	for _, n := range nodes {
		err := answered(ctx, func(ctx context.Context) error {
			descriptors, err := r.listNode(ctx, n.FQN(), len(nodes) > 0 && (len(r.positionals) == 0 || r.positionals[0] == ""))
			found = append(found, descriptors...)
			return err
		})
		if err != nil {
			if ctx.Err() != nil {
				return err
			}
			r.warn("Exception while calling service of node '%s': %v\n", n.FQN(), err)
		}
	}
	if r.json {
		return r.printJSON(found)
	}
	return nil
}

// listed are the nodes that offer to list their parameters, by name, then namespace.
func (r *runner) listed(g transport.Graph) []transport.GraphNode {
	offered := map[string]bool{}
	for _, s := range g.Services {
		if !s.Client {
			offered[s.Name] = true
		}
	}
	seen := map[string]bool{}
	var nodes []transport.GraphNode
	for _, n := range g.Nodes {
		if seen[n.FQN()] || !offered[n.FQN()+"/list_parameters"] || strings.HasPrefix(n.Name, "_") && !r.hidden {
			continue
		}
		seen[n.FQN()] = true
		nodes = append(nodes, n)
	}
	sort.Slice(nodes, func(i, j int) bool {
		if nodes[i].Name != nodes[j].Name {
			return nodes[i].Name < nodes[j].Name
		}
		return nodes[i].Namespace < nodes[j].Namespace
	})
	return nodes
}

// listNode prints the names of one node, or gives the descriptors for JSON.
func (r *runner) listNode(ctx context.Context, node string, heading bool) ([]descriptorJSON, error) {
	client := paramservice.NewClient(r.node, node)
	names, err := client.List(ctx, r.prefixes, 0)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	if r.filter != nil {
		names = slices.DeleteFunc(names, func(name string) bool { return !r.filter.MatchString(name) })
	}
	types := map[string]string{}
	if r.paramType || r.json {
		descriptors, err := client.Describe(ctx, names...)
		if err != nil {
			return nil, err
		}
		var list []descriptorJSON
		for _, d := range descriptors {
			list = append(list, toJSON(node, d))
			types[d.Name] = typeName(d.Type)
		}
		if r.json {
			return list, nil
		}
	}
	if heading && len(names) > 0 {
		r.print("%s:\n", node)
	}
	for _, name := range names {
		if r.paramType {
			r.print("  %s (type: %s)\n", name, types[name])
		} else {
			r.print("  %s\n", name)
		}
	}
	return nil, nil
}
