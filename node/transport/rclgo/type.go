//go:build rclgo

package rclgo

/*
#include <stdlib.h>
#include "rcl.h"
*/
import "C"

import (
	"fmt"
	"strings"
	"unsafe"

	"github.com/tiiuae/rclgo/pkg/rclgo/types"

	"guidedpolicysearch/node/transport"
)

// messageType is the type support of a message, loaded by name. Of rclgo's interface it has
// TypeSupport alone: serialized messages need no other method, and nil stands for the others.
type messageType struct {
	types.MessageTypeSupport
	c C.struct_message_type
}

// TypeSupport implements types.MessageTypeSupport.
func (t *messageType) TypeSupport() unsafe.Pointer { return unsafe.Pointer(t.c.support) }

// serviceType is the type support of a service, loaded by name.
type serviceType struct {
	c                 *C.rosidl_service_type_support_t
	request, response messageType
}

var _ types.ServiceTypeSupport = (*serviceType)(nil)

// Request implements types.ServiceTypeSupport.
func (t *serviceType) Request() types.MessageTypeSupport { return &t.request }

// Response implements types.ServiceTypeSupport.
func (t *serviceType) Response() types.MessageTypeSupport { return &t.response }

// TypeSupport implements types.ServiceTypeSupport.
func (t *serviceType) TypeSupport() unsafe.Pointer { return unsafe.Pointer(t.c) }

// named gives load the parts of a type's name ("std_msgs/msg/String") as C strings.
func named(typ transport.Type, load func(pkg, kind, name *C.char) *C.char) error {
	if err := typ.Validate(); err != nil {
		return err
	}
	parts := strings.Split(typ.Name, "/")
	var c [3]*C.char
	for i := range c {
		c[i] = C.CString(parts[i])
		defer C.free(unsafe.Pointer(c[i]))
	}
	if why := load(c[0], c[1], c[2]); why != nil {
		defer C.free(unsafe.Pointer(why))
		return fmt.Errorf("type %s: %s; source the ROS 2 installation or workspace that has the package %s: %w", typ.Name, C.GoString(why), parts[0], ErrMiddleware)
	}
	return nil
}

func loadMessage(typ transport.Type) (*messageType, error) {
	t := new(messageType)
	return t, named(typ, func(pkg, kind, name *C.char) *C.char { return C.message_type_load(&t.c, pkg, kind, name) })
}

func loadService(typ transport.Type) (*serviceType, error) {
	t := new(serviceType)
	return t, named(typ, func(pkg, kind, name *C.char) *C.char {
		return C.service_type_load(&t.c, &t.request.c, &t.response.c, pkg, kind, name)
	})
}
