package paramservice

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/builtin_interfaces"
	"guidedpolicysearch/msgs/rcl_interfaces"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
)

// Transport is what a Server needs of the node.
type Transport interface {
	transport.Services
	Publisher(topic string, typ transport.Type, q transport.QoS, status transport.StatusHandler) (transport.Publisher, error)
}

// Config says for which node the services are.
type Config struct {
	Node rcl.NodeName
	// ResolveService and ResolveTopic make names absolute and remap them (rcl.Args); nil
	// where nothing is remapped.
	ResolveService, ResolveTopic func(name string) (string, error)
	// Now is the node's time in ns, stamped on events.
	Now func() int64
	// Log is told what went wrong where nobody waits for an answer; may be nil.
	Log func(error)
}

// DeclaredConfig adds what belongs to declared parameters.
type DeclaredConfig struct {
	Config
	// Set holds the parameters. It belongs to the Server until that is closed; see Do.
	Set *params.Set
	// Allow is asked before a parameter is set; the error is the reason of the refusal. It is
	// called under the lock of Do, on the service goroutine or that of Server.Set. nil allows
	// everything but what is read-only.
	Allow func(name string, takes params.Takes) error
	// Changed is told what was set and differs from what was there, in the order it was set and
	// without the lock of Do, on the service goroutine or that of Server.Set. It must be quick.
	// May be nil.
	Changed func([]Change)
}

// Server offers the parameter services of one node.
type Server struct {
	cfg     Config
	order   sync.Mutex // held while parameters are set and that is told: one after the other
	mu      sync.Mutex // guards store; taken inside order
	store   Store
	begin   func() // before each request that sets, under mu; may be nil
	changed func([]Change)

	services  []transport.Service
	events    transport.Publisher
	malformed atomic.Uint64
}

// New offers the services for declared parameters, and announces each on /parameter_events.
func New(t Transport, cfg DeclaredConfig) (*Server, error) {
	store := newDeclared(cfg.Set, cfg.Allow)
	s := &Server{cfg: cfg.Config, store: store, changed: cfg.Changed, begin: func() { store.told = 0 }}
	return s.open(t)
}

// Serve offers the services for any store.
func Serve(t Transport, cfg Config, store Store) (*Server, error) {
	s := &Server{cfg: cfg, store: store}
	return s.open(t)
}

const eventsTopic = "/parameter_events"

// open gives s back, or closes what it opened.
func (s *Server) open(t Transport) (*Server, error) {
	err := s.offer(t)
	if err == nil {
		err = s.announceAll()
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("parameter services of %s: %w", s.cfg.Node.FQN(), err)
	}
	return s, nil
}

func (s *Server) offer(t Transport) error {
	topic, err := resolve(s.cfg.ResolveTopic, s.cfg.Node, eventsTopic)
	if err != nil {
		return err
	}
	// The quality of service of the topic is that of the services.
	s.events, err = t.Publisher(topic, rostype.Of(&rcl_interfaces.ParameterEvent{}), transport.ParameterServiceQoS(), nil)
	if err != nil {
		return err
	}
	for _, o := range []struct {
		name    string
		typ     msgs.Type
		handler transport.ServiceHandler
	}{
		{"get_parameters", &rcl_interfaces.GetParameters{}, s.getParameters},
		{"get_parameter_types", &rcl_interfaces.GetParameterTypes{}, s.getParameterTypes},
		{"set_parameters", &rcl_interfaces.SetParameters{}, s.setParameters},
		{"set_parameters_atomically", &rcl_interfaces.SetParametersAtomically{}, s.setParametersAtomically},
		{"describe_parameters", &rcl_interfaces.DescribeParameters{}, s.describeParameters},
		{"list_parameters", &rcl_interfaces.ListParameters{}, s.listParameters},
	} {
		name, err := resolve(s.cfg.ResolveService, s.cfg.Node, "~/"+o.name)
		if err != nil {
			return err
		}
		service, err := t.Service(name, rostype.Of(o.typ), transport.ParameterServiceQoS(), o.handler)
		if err != nil {
			return err
		}
		s.services = append(s.services, service)
	}
	return nil
}

func resolve(resolve func(string) (string, error), node rcl.NodeName, name string) (string, error) {
	if resolve != nil {
		return resolve(name)
	}
	return rcl.ExpandTopicName(name, node)
}

// Do calls f while no request reads or changes the parameters. f must not wait for a service
// of the same node.
func (s *Server) Do(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// Malformed counts requests that could not be decoded; they are not answered.
func (s *Server) Malformed() uint64 { return s.malformed.Load() }

// Close withdraws services and events. It does not wait for a handler that is running; closing
// the node does. Closing twice does nothing.
func (s *Server) Close() error {
	var errs []error
	for _, service := range s.services {
		errs = append(errs, service.Close())
	}
	if s.events != nil {
		errs = append(errs, s.events.Close())
	}
	return errors.Join(errs...)
}

func (s *Server) log(err error) {
	if s.cfg.Log != nil {
		s.cfg.Log(err)
	}
}

// decode reads a request; it is false, and the request counted, where that fails.
func (s *Server) decode(request []byte, m msgs.Message) bool {
	if err := m.UnmarshalCDR(request); err != nil {
		s.malformed.Add(1)
		s.log(fmt.Errorf("a request to %s is not answered: %w", s.cfg.Node.FQN(), err))
		return false
	}
	return true
}

func (s *Server) answer(reply transport.Reply, m msgs.Message) {
	if err := reply(m.AppendCDR(nil)); err != nil {
		s.log(fmt.Errorf("%s could not answer with %s: %w", s.cfg.Node.FQN(), m.TypeName(), err))
	}
}

// stamp is the node's time.
func (s *Server) stamp() builtin_interfaces.Time {
	const second = 1_000_000_000
	ns := s.cfg.Now()
	sec := ns / second
	if ns%second < 0 {
		sec--
	}
	return builtin_interfaces.Time{Sec: int32(sec), Nanosec: uint32(ns - sec*second)}
}
