package lifecycle

import (
	"context"
	"errors"
	"fmt"

	"guidedpolicysearch/node/transport"
)

// ErrTransition is a transition that does not leave the present state.
var ErrTransition = errors.New("no such transition from the present state")

// ErrBusy is a transition asked for while another is carried out.
var ErrBusy = errors.New("another transition is under way")

// Transport is what a machine needs of a node.
type Transport interface {
	Publisher(topic string, typ transport.Type, q transport.QoS, status transport.StatusHandler) (transport.Publisher, error)
	Service(name string, typ transport.Type, q transport.QoS, h transport.ServiceHandler) (transport.Service, error)
}

// Callback does the work of a transition, from being the primary state it began in. It runs on
// the goroutine that called Handle or Trigger, with their context. It may take its time; it
// must not trigger another transition.
type Callback func(ctx context.Context, from State) Result

// Callbacks are what the program does in each transition; one that is nil succeeds at once.
type Callbacks struct {
	Configure  Callback
	Activate   Callback
	Deactivate Callback
	Cleanup    Callback
	Shutdown   Callback
	// Error puts things right after another callback returned Error: Success leads to
	// Unconfigured, everything else to Finalized.
	Error Callback
}

// Config describes a machine. Resolve is required.
type Config struct {
	// Resolve expands and remaps a name: "~/get_state" to "/gps/get_state".
	Resolve func(name string) (string, error)
	// Now is the node's clock in ns since its epoch, for transition events; nil gives 0, as rcl
	// does.
	Now       func() int64
	Callbacks Callbacks
}

func (c Config) withDefaults() (Config, error) {
	if c.Resolve == nil {
		return c, fmt.Errorf("lifecycle without Config.Resolve: %w", transport.ErrInvalid)
	}
	if c.Now == nil {
		c.Now = func() int64 { return 0 }
	}
	return c, nil
}

// callback returns what runs in a transition state, or nil.
func (c *Callbacks) callback(in State) Callback {
	switch in {
	case Configuring:
		return c.Configure
	case Activating:
		return c.Activate
	case Deactivating:
		return c.Deactivate
	case CleaningUp:
		return c.Cleanup
	case ShuttingDown:
		return c.Shutdown
	case ErrorProcessing:
		return c.Error
	}
	return nil
}
