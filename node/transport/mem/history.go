package mem

import "guidedpolicysearch/node/transport"

// message is one published message.
type message struct {
	payload    []byte
	sourceTime int64 // ns since the epoch
	expires    int64 // ns since the epoch, 0 is never
	publisher  transport.PublisherID
}

func (m *message) expired(now int64) bool { return m.expires != 0 && now > m.expires }

// history keeps the last messages, in slots whose buffers are used again.
type history struct {
	slots []message
	first int // index of the oldest
	n     int // number kept
}

func newHistory(depth int) history { return history{slots: make([]message, depth)} }

// at is the i-th oldest message.
func (h *history) at(i int) *message { return &h.slots[(h.first+i)%len(h.slots)] }

// push copies m in, over the oldest message if the history is full.
func (h *history) push(m *message) {
	if h.n == len(h.slots) {
		h.first = (h.first + 1) % len(h.slots)
		h.n--
	}
	slot := h.at(h.n)
	buf := append(slot.payload[:0], m.payload...)
	*slot = *m
	slot.payload = buf
	h.n++
}

// pop moves the oldest message to dst, whose buffer the slot takes over.
func (h *history) pop(dst *message) {
	slot := h.at(0)
	*dst, slot.payload = *slot, dst.payload
	h.first = (h.first + 1) % len(h.slots)
	h.n--
}
