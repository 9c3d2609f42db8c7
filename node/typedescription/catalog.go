// Package typedescription tells other nodes what this program's types look like: the service
// ~/get_type_description, which nodes have from Iron on (REP-2016), and the type hashes that
// endpoints announce.
package typedescription

import (
	"errors"
	"fmt"
	"io/fs"

	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/description"
	tdi "guidedpolicysearch/msgs/type_description_interfaces"
)

// Catalog is all types that this program has definitions of: the messages, the services and
// actions, and their parts. It does not change.
type Catalog struct {
	byHash map[string]entry
	hashes map[string]string // by name
}

// entry is one type in the form in which it is served. Types share what they contain.
type entry struct {
	description tdi.TypeDescription
	sources     []tdi.TypeSource // of the type, then of those it contains
}

// NewCatalog describes the types of package msgs. It takes milliseconds: a program makes one
// for all its nodes.
func NewCatalog() (*Catalog, error) {
	set, err := definitions(msgs.Definitions())
	if err != nil {
		return nil, fmt.Errorf("type descriptions: %w", err)
	}
	c := &Catalog{byHash: map[string]entry{}, hashes: map[string]string{}}
	fields := map[string][]tdi.Field{} // by type
	individual := func(t *description.Individual) tdi.IndividualTypeDescription {
		if fields[t.Name] == nil {
			fields[t.Name] = served(t.Fields)
		}
		return tdi.IndividualTypeDescription{TypeName_: t.Name, Fields: fields[t.Name]}
	}
	source := func(t *description.Individual) tdi.TypeSource {
		return tdi.TypeSource{TypeName_: t.Name, Encoding: t.Source.Encoding, RawFileContents: t.Source.Text}
	}
	for _, name := range set.Names() {
		d, err := set.Describe(name)
		if err != nil {
			return nil, fmt.Errorf("type descriptions: %w", err)
		}
		e := entry{sources: []tdi.TypeSource{source(&d.Individual)}}
		e.description.TypeDescription = individual(&d.Individual)
		for i := range d.Referenced {
			e.description.ReferencedTypeDescriptions = append(e.description.ReferencedTypeDescriptions, individual(&d.Referenced[i]))
			e.sources = append(e.sources, source(&d.Referenced[i]))
		}
		hash := d.Hash()
		c.byHash[hash], c.hashes[name] = e, hash
	}
	return c, nil
}

// definitions reads the definitions in the layout of msgs.Definitions.
func definitions(fsys fs.FS) (*description.Set, error) {
	const interfaces = "interfaces"
	packages, err := fs.ReadDir(fsys, interfaces)
	if err != nil {
		return nil, err
	}
	set := description.NewSet()
	err = set.AddPackage(msgs.Package, fsys)
	for _, p := range packages {
		dir, subErr := fs.Sub(fsys, interfaces+"/"+p.Name())
		if err = errors.Join(err, subErr); err != nil {
			break
		}
		err = set.AddPackage(p.Name(), dir)
	}
	return set, err
}

// served returns fields as the service has them.
func served(fields []description.Field) []tdi.Field {
	out := make([]tdi.Field, len(fields))
	for i, f := range fields {
		out[i] = tdi.Field{Name: f.Name, DefaultValue: f.Default, Type: tdi.FieldType{
			TypeId: f.Type.ID, Capacity: f.Type.Capacity, StringCapacity: f.Type.StringCapacity, NestedTypeName: f.Type.Nested,
		}}
	}
	return out
}

// Hash returns the type hash ("RIHS01_...") of a message, service or action such as
// "std_srvs/srv/Trigger", or "" for a type that is not there.
func (c *Catalog) Hash(typeName string) string { return c.hashes[typeName] }
