package typedescription

import (
	"encoding/hex"
	"fmt"
	"strings"
	"sync/atomic"

	"guidedpolicysearch/msgs/description"
	tdi "guidedpolicysearch/msgs/type_description_interfaces"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
)

// Name and Parameter are those of rclcpp: what the service is called, and the read-only
// parameter (bool, default true) that switches it off.
const (
	Name      = "~/get_type_description"
	Parameter = "start_type_description_service"
)

// maxRequest is the size in bytes of the largest request looked at: a name of a type and a
// hash.
const maxRequest = 1024

// Offered says if nodes of a distribution (transport.Options.Distro) have the service and
// its parameter: those of rclcpp do in Iron (21.0.3) and in all later ones.
func Offered(distro string) bool { return distro != "" && distro != "humble" }

// Transport is what the service needs of a node.
type Transport interface {
	Service(name string, typ transport.Type, q transport.QoS, h transport.ServiceHandler) (transport.Service, error)
}

// Server offers the service for one node.
type Server struct {
	catalog   *Catalog
	service   transport.Service
	malformed atomic.Uint64

	// Used by the node's service goroutine alone.
	request  tdi.GetTypeDescription_Request
	response tdi.GetTypeDescription_Response
	payload  []byte
}

// New offers the service under the fully resolved name that Name has on the node. Errors are
// those of transport.Services.
func New(t Transport, name string, c *Catalog) (*Server, error) {
	s := &Server{catalog: c}
	service, err := t.Service(name, rostype.Of(&tdi.GetTypeDescription{}), transport.ServiceQoS(), s.answer)
	if err != nil {
		return nil, fmt.Errorf("type descriptions: %w", err)
	}
	s.service = service
	return s, nil
}

// Malformed is the number of requests so far that were no GetTypeDescription_Request.
func (s *Server) Malformed() uint64 { return s.malformed.Load() }

// Close withdraws the service. Closing twice does nothing.
func (s *Server) Close() error { return s.service.Close() }

// answer handles one request. Where the response cannot be sent the client has been told so
// by its own timeout.
func (s *Server) answer(request []byte, reply transport.Reply) {
	s.response = tdi.GetTypeDescription_Response{}
	s.response.FailureReason = s.fill(request)
	s.response.Successful = s.response.FailureReason == ""
	s.payload = s.response.AppendCDR(s.payload[:0])
	_ = reply(s.payload)
}

// fill sets the response's description, or returns the reason why there is none. As in rcl the
// hash alone says which type is meant; it is a hash of the type's name too.
func (s *Server) fill(request []byte) string {
	if len(request) > maxRequest || s.request.UnmarshalCDR(request) != nil {
		s.malformed.Add(1)
		return "Failed to parse request"
	}
	hash, ok := canonical(s.request.TypeHash_)
	if !ok {
		return "Failed to parse type hash"
	}
	e, ok := s.catalog.byHash[hash]
	if !ok {
		return "Type not currently in use by this node"
	}
	s.response.TypeDescription = e.description
	if s.request.IncludeTypeSources {
		s.response.TypeSources = e.sources
	}
	return ""
}

// canonical returns a hash with digits in lower case, if it is one of the known version.
func canonical(hash string) (string, bool) {
	digits, ok := strings.CutPrefix(hash, description.Prefix)
	var sum [32]byte
	if !ok || len(digits) != hex.EncodedLen(len(sum)) {
		return "", false
	}
	if _, err := hex.Decode(sum[:], []byte(digits)); err != nil {
		return "", false
	}
	return description.Prefix + hex.EncodeToString(sum[:]), true
}
