//go:build rclgo

package rclgo

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/tiiuae/rclgo/pkg/rclgo"
)

// Where rclgo keeps the handles of rcl, in the version that go.mod names. internal/typecheck
// holds the names to rclgo's sources.
const (
	contextField      = "rcl_context_t"
	nodeField         = "rcl_node_t"
	publisherField    = "rcl_publisher_t"
	subscriptionField = "rcl_subscription_t"
	serviceField      = "rclService"
	clientField       = "rclClient"
)

// owner is what rclgo makes around a handle of rcl.
type owner interface {
	*rclgo.Context | *rclgo.Node | *rclgo.Publisher | *rclgo.Subscription | *rclgo.Service | *rclgo.Client
}

// handle reads the handle that o owns until it is closed.
func handle[O owner](o O, field string) (unsafe.Pointer, error) {
	f := reflect.ValueOf(o).Elem().FieldByName(field)
	if !f.IsValid() || f.Kind() != reflect.Pointer || f.IsNil() {
		return nil, fmt.Errorf("%T has no pointer %s: this version of github.com/tiiuae/rclgo is another one than go.mod names: %w", o, field, ErrMiddleware)
	}
	return f.UnsafePointer(), nil
}
