//go:build !rclgo

package dds

import (
	"fmt"
	"strings"

	"guidedpolicysearch/msgs/cdr"
	"guidedpolicysearch/node/transport"
)

// announcement is what a participant says of its nodes (rmw_dds_common,
// ParticipantEntitiesInfo).
type announcement struct {
	participant GUID
	nodes       []announcedNode
	size        int // bytes of the message
}

type announcedNode struct {
	namespace, name string
	endpoints       []GUID
}

// decodeAnnouncement reads an announcement of a distribution whose Gid has first bytes, or, if
// it does not fit, of one with the other length. A message fits a length only if it is used
// up, so that no bytes are taken for others.
func decodeAnnouncement(payload []byte, first int) (announcement, error) {
	a, err := decodeWithGID(payload, first)
	if err == nil {
		return a, nil
	}
	if other, otherErr := decodeWithGID(payload, gidLen+gidLenHumble-first); otherErr == nil {
		return other, nil
	}
	return announcement{}, err
}

func decodeWithGID(payload []byte, gidLen int) (announcement, error) {
	d := cdr.NewDecoder(payload, "rmw_dds_common/msg/ParticipantEntitiesInfo")
	a := announcement{size: len(payload)}
	used := transport.HeaderLen + gidLen + 4
	gid := func(field string) (g GUID) {
		var b [gidLenHumble]byte
		d.Uint8s(field, b[:gidLen])
		copy(g[:], b[:])
		return g
	}
	text := func(field string) (s string) {
		d.String(field, &s, 256)
		used = align4(used) + 4 + len(s) + 1
		return s
	}
	a.participant = gid("gid")
	nodes := d.Len("node_entities_info_seq", 16, 0) // two empty strings, two empty sequences
	for range nodes {
		n := announcedNode{namespace: text("node_namespace"), name: text("node_name")}
		for _, field := range [...]string{"reader_gid_seq", "writer_gid_seq"} {
			count := d.Len(field, gidLen, 0)
			used = align4(used) + 4 + count*gidLen
			for range count {
				n.endpoints = append(n.endpoints, gid(field))
			}
		}
		if d.Err() != nil {
			break
		}
		if err := checkNode(n.namespace, n.name); err != nil {
			return announcement{}, err
		}
		a.nodes = append(a.nodes, n)
	}
	if err := d.Err(); err != nil {
		return announcement{}, err
	}
	if len(payload) != used {
		return announcement{}, fmt.Errorf("announcement of %d bytes with identifiers of %d, want %d bytes: %w", len(payload), gidLen, used, transport.ErrInvalid)
	}
	return a, nil
}

func align4(n int) int { return (n + 3) &^ 3 }

func checkNode(namespace, name string) error {
	if namespace != "/" {
		if err := transport.CheckTopic(namespace); err != nil {
			return fmt.Errorf("namespace of an announced node: %w", err)
		}
	}
	if strings.Contains(name, "/") {
		return fmt.Errorf("announced node %.40q, want a name without slash: %w", name, transport.ErrInvalid)
	}
	if err := transport.CheckTopic("/" + name); err != nil {
		return fmt.Errorf("announced node: %w", err)
	}
	return nil
}
