//go:build !rclgo

package dds

import (
	"fmt"
	"slices"

	"guidedpolicysearch/msgs/cdr"
	"guidedpolicysearch/node/transport"
)

// ROS 2 keeps its graph of nodes beside DDS: every participant publishes which
// nodes it has and which endpoints belong to them (rmw_dds_common,
// ParticipantEntitiesInfo).
const (
	discoveryTopic = "ros_discovery_info"
	discoveryType  = "rmw_dds_common::msg::dds_::ParticipantEntitiesInfo_"
	// discoveryHash is the type's since Iron, with the shorter Gid. Tools warn of endpoints
	// without.
	discoveryHash = "RIHS01_91a0593bacdcc50ea9bdcf849a938b128412cc1ea821245c663bcd26f83c295e"
)

// Length of rmw_dds_common/Gid, of which a GUID takes the first 16 bytes. It
// became shorter in Iron; a node of one kind cannot read the other.
const (
	gidLenHumble = 24
	gidLen       = 16
)

func (n *Node) gidLen() int {
	if n.opts.Distro == "humble" {
		return gidLenHumble
	}
	return gidLen
}

// discoveryNames are those of the node's writer and reader of announcements.
func (n *Node) discoveryNames() names {
	return names{discoveryTopic, discoveryType, n.hashData(discoveryHash)}
}

func (n *Node) openDiscovery() error {
	e := &endpoint{node: n, topic: discoveryTopic, hidden: true}
	if err := e.open(n.services, n.discoveryNames(), transport.Latched(), n.opts.MaxPayload); err != nil {
		return fmt.Errorf("writer of %s: %w", discoveryTopic, err)
	}
	n.discovery = e
	if err := n.openGraph(); err != nil {
		return err
	}
	return n.announce()
}

// announce publishes the node's present endpoints. The node's mu is held.
func (n *Node) announce() error {
	var readers, writers []*endpoint
	n.table.RLock()
	for _, e := range n.table.byID {
		switch {
		case e.hidden:
		case e.handler != nil:
			readers = append(readers, e)
		default:
			writers = append(writers, e)
		}
	}
	n.table.RUnlock()
	enc := cdr.NewEncoder(n.info[:0])
	n.putGID(&enc, n.guid)
	enc.Len(1) // nodes of this participant
	enc.String(n.opts.Namespace)
	enc.String(n.opts.Name)
	n.putGIDs(&enc, readers)
	n.putGIDs(&enc, writers)
	n.info = enc.Bytes()
	if err := n.discovery.publish(n.info); err != nil {
		return fmt.Errorf("announce on %s: %w", discoveryTopic, err)
	}
	return nil
}

func (n *Node) putGIDs(enc *cdr.Encoder, of []*endpoint) {
	slices.SortFunc(of, func(a, b *endpoint) int { return int(a.id) - int(b.id) })
	enc.Len(len(of))
	for _, e := range of {
		n.putGID(enc, e.guid)
	}
}

func (n *Node) putGID(enc *cdr.Encoder, g GUID) {
	var gid [gidLenHumble]byte
	copy(gid[:], g[:])
	enc.Uint8s(gid[:n.gidLen()])
}
