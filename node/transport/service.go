package transport

import (
	"context"
	"errors"
	"fmt"
)

// ErrNoServer is returned by a call for which no server appeared in time.
var ErrNoServer = errors.New("no server")

// Services is how a node offers and calls ROS 2 services.
//
// Each node has a second goroutine, apart from that of its messages, on which requests are
// handled one at a time: no flood of requests delays a message.
//
// A server keeps the last QoS.Depth requests that it has not come to, as a subscription keeps
// messages: what a flood pushes out gets no response. Requests and responses above the
// receiver's Options.MaxPayload are dropped and counted in Stats. A middleware's own identity
// of a request does not count towards MaxPayload.
type Services interface {
	// Service offers a service under a fully resolved name ("/gps/start"). typ is that of the
	// service ("std_srvs/srv/Trigger"), with its hash.
	Service(name string, typ Type, q QoS, h ServiceHandler) (Service, error)
	// Client opens a client of a service. It need not be there yet.
	Client(name string, typ Type, q QoS) (Client, error)
}

// ServiceHandler answers one request: it calls reply once, or keeps it and lets somebody else
// do so later. The request, header included, is valid until the handler returns. It runs on
// the node's service goroutine.
type ServiceHandler func(request []byte, reply Reply)

// Reply sends the response to one request; the payload may be reused afterwards. It may be
// called from any goroutine, and succeeds once: a call after that returns ErrInvalid, while
// after an error it may be tried again. A client that is gone is no error. Errors otherwise:
// those of Publisher.Publish, ErrClosed if the service or its node was closed.
type Reply func(response []byte) error

// Service is offered until it is closed.
type Service interface {
	// Close withdraws the service: no handler of it starts after Close has returned. One that
	// is running is not waited for, so that a handler may close its own service. Closing
	// twice does nothing.
	Close() error
}

// Client calls one service. Its methods may be called from several goroutines, but not from
// handlers of the same node's services, which the response may have to wait for.
type Client interface {
	// Call waits for a server if there is none, sends the request, and returns the response,
	// header included, which the caller owns. Where a service has several servers, the first
	// response counts. A server that goes away with the request takes the response along: the
	// call waits for ctx. With a ctx that has ended nothing is sent. A request goes only to a server that identifies itself as one of
	// the same middleware: across middlewares a request can harm the server (rmw_cyclonedds,
	// issue 577). Errors: ErrNoServer with ctx's error if no server appeared; ctx's error if
	// the response did not come; ErrInvalid, ErrTooLarge, ErrBlocked, ErrClosed.
	Call(ctx context.Context, request []byte) ([]byte, error)
	// Servers is the number of servers connected: of the client's type, and with a quality of
	// service that matches both ways.
	Servers() int
	// Close ends calls that wait with ErrClosed. Closing twice does nothing.
	Close() error
}

// ServiceQoS is the quality of service of services and their clients.
func ServiceQoS() QoS { return Default() }

// ParameterServiceQoS is the quality of service of parameter services and /parameter_events.
func ParameterServiceQoS() QoS { return QoS{Reliability: Reliable, Durability: Volatile, Depth: 1000} }

// CheckService returns an error unless name is a fully resolved service name, typ the type of
// a service (package/srv/Type, or package/action/Type_SendGoal and its like) and q valid.
func CheckService(name string, typ Type, q QoS) error {
	err := errors.Join(checkPath("service", name), typ.Validate(), q.Validate())
	if err == nil && typ.isMessage() {
		return fmt.Errorf("type %q, want package/srv/Type: %w", typ.Name, ErrInvalid)
	}
	return err
}
