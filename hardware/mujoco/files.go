package mujoco

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

const (
	maxFile  = 64 << 20 // bytes of one file
	maxFiles = 1000     // of one model
)

// source is a file that a model consists of; MuJoCo knows it by its name without folders.
type source struct {
	name string
	data []byte
}

// sources collects the files of a model: the one that was asked for comes first, then what
// it includes and the meshes, textures and height fields that it names.
type sources struct {
	fsys       fs.FS
	folder     string // of the model: what file names are relative to
	files      []source
	paths      map[string]string // by name in lower case, which MuJoCo does not tell apart
	meshes     string            // folders that <compiler> names
	textures   string
	references []reference
}

// reference is the mention of a file that is not XML.
type reference struct {
	file, from string
	line       int
	texture    bool
}

// readSources reads all files of the model in fsys. Errors wrap ErrModel and name file and line.
func readSources(fsys fs.FS, name string) ([]source, error) {
	s := &sources{fsys: fsys, folder: path.Dir(name), paths: map[string]string{}}
	data, err := s.read(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModel, err)
	}
	if err := s.scan(name, data); err != nil {
		return nil, err
	}
	for _, r := range s.references {
		folder := s.meshes
		if r.texture {
			folder = s.textures
		}
		if _, err := s.read(path.Join(s.folder, folder, r.file)); err != nil {
			return nil, fmt.Errorf("%w: %s, line %d: %w", ErrModel, r.from, r.line, err)
		}
	}
	return s.files, nil
}

// read adds a file, or returns nil if it is there already.
func (s *sources) read(name string) ([]byte, error) {
	base := path.Base(name)
	if known, ok := s.paths[strings.ToLower(base)]; ok {
		if known != name {
			return nil, fmt.Errorf("%s and %s have the same file name, which MuJoCo cannot tell apart: rename one", known, name)
		}
		return nil, nil
	}
	if len(s.files) == maxFiles {
		return nil, fmt.Errorf("the model has more than %d files", maxFiles)
	}
	if !fs.ValidPath(name) {
		return nil, fmt.Errorf("%q is not a path below the folder that the model is read from", name)
	}
	f, err := s.fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", name, err)
	case len(data) > maxFile:
		return nil, fmt.Errorf("%s has more than %d bytes", name, maxFile)
	case len(data) == 0:
		return nil, fmt.Errorf("%s is empty", name)
	case bytes.IndexByte([]byte(base), 0) >= 0:
		return nil, fmt.Errorf("%q is no file name", name)
	}
	s.files = append(s.files, source{base, data})
	s.paths[strings.ToLower(base)] = name
	return data, nil
}

// maxAttribute bounds what an element can make MuJoCo allocate.
var maxAttribute = map[string]map[string]float64{
	"size": {"njmax": 100_000, "nconmax": 100_000, "nstack": 100_000_000, "nkey": 10_000, "nuserdata": 1_000_000, "nuser_body": 1000,
		"nuser_jnt": 1000, "nuser_geom": 1000, "nuser_site": 1000, "nuser_cam": 1000, "nuser_tendon": 1000, "nuser_actuator": 1000, "nuser_sensor": 1000},
	"hfield":    {"nrow": 4096, "ncol": 4096},
	"texture":   {"width": 16384, "height": 131072},
	"composite": {"count": 1000},
}

// scan reads what the XML of a file says about other files, and how much it wants.
func (s *sources) scan(name string, data []byte) error {
	d := xml.NewDecoder(bytes.NewReader(withoutComments(data)))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	for {
		token, err := d.Token()
		line, _ := d.InputPos()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("%w: %s: %w", ErrModel, name, err)
		}
		element, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		for _, a := range element.Attr {
			err := checkAmount(element.Name.Local, a)
			if err == nil {
				err = checkTimestep(element.Name.Local, a)
			}
			if err != nil {
				return fmt.Errorf("%w: %s, line %d: %w", ErrModel, name, line, err)
			}
			if err := s.note(element.Name.Local, a, name, line); err != nil {
				return err
			}
		}
	}
}

// note keeps what an attribute says about files, and follows includes.
func (s *sources) note(element string, a xml.Attr, from string, line int) error {
	key := a.Name.Local
	switch element {
	case "include":
		if key != "file" {
			return nil
		}
		included := path.Join(s.folder, a.Value)
		data, err := s.read(included)
		if err != nil {
			return fmt.Errorf("%w: %s, line %d: <include>: %w", ErrModel, from, line, err)
		}
		return s.scan(included, data)
	case "compiler":
		switch key {
		case "meshdir":
			s.meshes = a.Value
		case "texturedir":
			s.textures = a.Value
		}
	case "mesh", "hfield", "skin", "texture":
		if strings.HasPrefix(key, "file") {
			s.references = append(s.references, reference{a.Value, from, line, element == "texture"})
		}
	}
	return nil
}

// checkAmount holds the numbers of an attribute to what a robot's model may need.
func checkAmount(element string, a xml.Attr) error {
	most, ok := maxAttribute[element][a.Name.Local]
	if !ok {
		return nil
	}
	product := 1.0
	for _, word := range strings.Fields(a.Value) {
		if v, err := strconv.ParseFloat(word, 64); err == nil {
			product *= max(v, 1)
		}
	}
	if product > most {
		return fmt.Errorf("<%s %s=%q>: want at most %g", element, a.Name.Local, a.Value, most)
	}
	return nil
}

// checkTimestep refuses a timestep in which no time passes: MuJoCo itself takes some, and says of
// others no more than that something is unstable. What is no number is left to it.
func checkTimestep(element string, a xml.Attr) error {
	if element != "option" || a.Name.Local != "timestep" {
		return nil
	}
	if v, err := strconv.ParseFloat(strings.TrimSpace(a.Value), 64); err == nil && (!(v > 0) || !finite(v)) {
		return fmt.Errorf("<option timestep=%q>: want a finite number of seconds > 0: write one such as 0.002, or leave it out for that", a.Value)
	}
	return nil
}

// where makes sense of a message about an element that was included: MuJoCo gives those line 0.
func where(message string, files []source) string {
	var included []string
	for _, f := range files[1:] {
		if strings.HasSuffix(strings.ToLower(f.name), ".xml") {
			included = append(included, f.name)
		}
	}
	if before, ok := strings.CutSuffix(message, ", line 0"); ok && len(included) > 0 {
		return before + ", in an included file: " + strings.Join(included, ", ")
	}
	return message
}

// withoutComments blanks comments, whose content encoding/xml is stricter about than MuJoCo is,
// and keeps the lines.
func withoutComments(data []byte) []byte {
	out := bytes.Clone(data)
	for from := 0; ; {
		begin := bytes.Index(out[from:], []byte("<!--"))
		if begin < 0 {
			return out
		}
		begin += from
		length := bytes.Index(out[begin+4:], []byte("-->"))
		if length < 0 {
			return out
		}
		from = begin + 4 + length + 3
		for i := begin; i < from; i++ {
			if out[i] != '\n' {
				out[i] = ' '
			}
		}
	}
}
