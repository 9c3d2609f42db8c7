//go:build !rclgo

package dds_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// A stranger is a participant that is made of packets. It takes on what a node says of itself:
// every announcement that it hears comes back in the stranger's name, so that it is
// connected to all of the node's endpoints, and can then send them what no DDS library would.
type stranger struct {
	t            *testing.T
	socket       *net.UDPConn
	node         *net.UDPAddr // where the node listens
	prefix, from [12]byte     // of the stranger's GUIDs and of the node's

	done chan struct{}

	mu      sync.Mutex
	heard   [][]byte           // announcements of the node, in the stranger's name
	writers map[string][4]byte // entity ids by DDS topic
	lists   map[string][]byte  // what is announced of those
	last    map[[4]byte]uint32 // sequence numbers by writer
	count   uint32             // of heartbeats and acknowledgements
}

// The entity ids of discovery (RTPS 2.3, 9.3.1.3).
var (
	publicationsWriter  = [4]byte{0, 0, 3, 0xc2}
	subscriptionsWriter = [4]byte{0, 0, 4, 0xc2}
	participantsWriter  = [4]byte{0, 1, 0, 0xc2}
	everyReader         [4]byte
)

// Submessages and parameters of RTPS 2.3 (9.4.5, 9.6.2).
const (
	acknack, heartbeat, infoDestination, data, dataFragment = 6, 7, 0x0e, 0x15, 0x16
	topicName, endpointGUID, defaultLocator                 = 5, 0x5a, 0x31
	metatrafficLocator                                      = 0x32
	headerSize, submessageHeader, dataHeader                = 20, 4, 20
)

// listenFor opens a port at which every participant of a domain looks for others.
func listenFor(t *testing.T, domain uint32) *net.UDPConn {
	t.Helper()
	for index := 98; index > 50; index-- {
		port := 7410 + 250*int(domain) + 2*index
		if c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}); err == nil {
			return c
		}
	}
	t.Fatalf("no port of domain %d is free", domain)
	return nil
}

// introduction waits for the announcement of the only other participant.
func introduction(t *testing.T, socket *net.UDPConn) (packet []byte, from [12]byte) {
	t.Helper()
	socket.SetReadDeadline(time.Now().Add(30 * time.Second))
	buf := make([]byte, 1<<16)
	for {
		n, _, err := socket.ReadFromUDP(buf)
		if err != nil {
			t.Fatalf("no participant announced itself: %v", err)
		}
		found := false
		submessages(buf[:n], func(kind byte, body []byte) {
			found = found || kind == data && [4]byte(body[8:12]) == participantsWriter
		})
		if found {
			return bytes.Clone(buf[:n]), [12]byte(buf[8:20])
		}
	}
}

// submessages calls f with each whole submessage of a little-endian packet; body is at least
// as long as the header of data.
func submessages(packet []byte, f func(kind byte, body []byte)) {
	for rest := packet[min(headerSize, len(packet)):]; len(rest) >= submessageHeader; {
		kind, size := rest[0], int(binary.LittleEndian.Uint16(rest[2:]))
		rest = rest[submessageHeader:]
		if size == 0 || size > len(rest) {
			size = len(rest)
		}
		if size >= dataHeader {
			f(kind, rest[:size])
		}
		rest = rest[size:]
	}
}

// parameters calls f with each parameter of the list that a data submessage carries.
func parameters(body []byte, f func(id uint16, value []byte)) {
	if len(body) < dataHeader+4 {
		return
	}
	for rest := body[dataHeader+4:]; len(rest) >= 4; {
		id, size := binary.LittleEndian.Uint16(rest), int(binary.LittleEndian.Uint16(rest[2:]))
		if rest = rest[4:]; id == 1 || size > len(rest) {
			return
		}
		f(id, rest[:size])
		rest = rest[size:]
	}
}

// newStranger makes one that answers the node of an introduction, until the test ends or it
// leaves.
func newStranger(t *testing.T, domain uint32, prefix [12]byte, packet []byte, from [12]byte) *stranger {
	t.Helper()
	s := &stranger{t: t, socket: listenFor(t, domain), prefix: prefix, from: from,
		writers: map[string][4]byte{}, lists: map[string][]byte{}, last: map[[4]byte]uint32{}, done: make(chan struct{})}
	own := uint32(s.socket.LocalAddr().(*net.UDPAddr).Port)
	mine := s.rename(packet)
	submessages(mine, func(kind byte, body []byte) {
		parameters(body, func(id uint16, value []byte) {
			if kind != data || id != defaultLocator && id != metatrafficLocator {
				return
			}
			if id == metatrafficLocator {
				s.node = &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(binary.LittleEndian.Uint32(value[4:]))}
			}
			binary.LittleEndian.PutUint32(value[4:], own)
		})
	})
	if s.node == nil {
		t.Fatal("the node's announcement names no port")
	}
	go s.answer()
	t.Cleanup(s.leave)
	s.heard = append(s.heard, mine)
	s.send(mine)
	return s
}

func (s *stranger) leave() {
	s.socket.Close()
	<-s.done
}

// rename puts the stranger in the place of the node and the other way round.
func (s *stranger) rename(packet []byte) []byte {
	const aside = "............"
	p := bytes.ReplaceAll(packet, s.from[:], []byte(aside))
	p = bytes.ReplaceAll(p, s.prefix[:], s.from[:])
	return bytes.ReplaceAll(p, []byte(aside), s.prefix[:])
}

func (s *stranger) send(packet []byte) {
	if _, err := s.socket.WriteToUDP(packet, s.node); err != nil && !errors.Is(err, net.ErrClosed) {
		s.t.Errorf("packet of %d bytes: %v", len(packet), err)
	}
}

// packet is a message to the node of one submessage, in parts.
func (s *stranger) packet(kind, flags byte, parts ...any) []byte {
	var body bytes.Buffer
	for _, p := range parts {
		binary.Write(&body, binary.LittleEndian, p)
	}
	p := append([]byte("RTPS\x02\x01\x01\x10"), s.prefix[:]...)
	p = append(append(p, infoDestination, 1, 12, 0), s.from[:]...)
	p = append(p, kind, flags|1)
	p = binary.LittleEndian.AppendUint16(p, uint16(body.Len()))
	return append(p, body.Bytes()...)
}

// sequence is a sequence number as on the wire.
func sequence(n uint32) [2]uint32 { return [2]uint32{0, n} }

func (s *stranger) counted() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	return s.count
}

// has tells the node which messages of a writer there are.
func (s *stranger) has(writer [4]byte, first, last uint32) {
	s.send(s.packet(heartbeat, 2, everyReader, writer, sequence(first), sequence(last), s.counted()))
}

// sample is the packet of message n of a writer.
func (s *stranger) sample(writer [4]byte, n uint32, payload []byte) []byte {
	return s.packet(data, 4, uint16(0), uint16(16), everyReader, writer, sequence(n), payload)
}

// fragment is the packet of 1000 bytes that claim to be count fragments of a size of message n.
func (s *stranger) fragment(writer [4]byte, n, first uint32, count, size uint16, total uint32) []byte {
	return s.packet(dataFragment, 0, uint16(0), uint16(28), everyReader, writer, sequence(n), first, count, size, total, make([]byte, 1000))
}

// publish sends the next message of a writer, and before it that there are none that it has
// to wait for.
func (s *stranger) publish(writer [4]byte, payload []byte) {
	s.mu.Lock()
	s.last[writer]++
	n := s.last[writer]
	s.mu.Unlock()
	s.has(writer, n, n-1)
	s.send(s.sample(writer, n, payload))
}

// dispose tells the node that the stranger is gone (RTPS 2.3, 9.6.3.4).
func (s *stranger) dispose() {
	const key, inlineQoS = 8, 2
	s.send(s.packet(data, key|inlineQoS, uint16(0), uint16(16), everyReader, participantsWriter, sequence(2),
		[]byte{0x71, 0, 4, 0, 0, 0, 0, 3}, []byte{1, 0, 0, 0},
		[]byte{0, 3, 0, 0, 0x50, 0, 16, 0}, s.prefix, []byte{0, 0, 1, 0xc1}, []byte{1, 0, 0, 0}))
}

// answer asks for what the node announces, and announces the same.
func (s *stranger) answer() {
	defer close(s.done)
	s.socket.SetReadDeadline(time.Time{})
	buf := make([]byte, 1<<16)
	for {
		n, _, err := s.socket.ReadFromUDP(buf)
		if err != nil {
			return
		}
		if n < headerSize || [12]byte(buf[8:20]) != s.from {
			continue
		}
		mine := s.rename(buf[:n])
		last := map[[4]byte]uint32{}
		submessages(mine, func(kind byte, body []byte) {
			reader, writer := [4]byte(body[:4]), [4]byte(body[4:8])
			switch kind {
			case heartbeat:
				if writer == publicationsWriter || writer == subscriptionsWriter {
					reader[2], reader[3] = writer[2], 0xc7
					s.send(s.packet(acknack, 0, reader, writer, sequence(1), uint32(32), ^uint32(0), s.counted()))
				}
			case data:
				if writer = [4]byte(body[8:12]); writer == publicationsWriter || writer == subscriptionsWriter {
					last[writer] = max(last[writer], binary.LittleEndian.Uint32(body[16:]))
					s.learn(writer, body)
				}
			}
		})
		if len(last) == 0 {
			continue
		}
		s.mu.Lock()
		s.heard = append(s.heard, mine)
		for writer, n := range last {
			s.last[writer] = max(s.last[writer], n)
		}
		s.mu.Unlock()
		for writer, n := range last {
			s.has(writer, 1, n)
		}
		s.send(mine)
	}
}

// learn keeps what is announced of writers.
func (s *stranger) learn(writer [4]byte, body []byte) {
	var topic string
	var id [4]byte
	parameters(body, func(p uint16, value []byte) {
		switch {
		case p == topicName && len(value) > 4:
			topic, _, _ = strings.Cut(string(value[4:]), "\x00")
		case p == endpointGUID && len(value) == 16:
			id = [4]byte(value[12:])
		}
	})
	if writer == publicationsWriter && topic != "" {
		s.mu.Lock()
		s.writers[topic], s.lists[topic] = id, bytes.Clone(body[dataHeader:])
		s.mu.Unlock()
	}
}

// writer waits for the node to announce a writer on a DDS topic: the stranger has one of the same
// id.
func (s *stranger) writer(topic string) (id [4]byte, list []byte) {
	s.t.Helper()
	for range 3000 {
		s.mu.Lock()
		id, known := s.writers[topic]
		list := s.lists[topic]
		s.mu.Unlock()
		if known {
			return id, list
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Fatalf("the node announced no writer of %s within 30 s", topic)
	return id, nil
}

// announcements is what the stranger has sent of itself.
func (s *stranger) announcements() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([][]byte(nil), s.heard...)
}
