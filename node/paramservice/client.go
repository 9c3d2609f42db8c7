package paramservice

import (
	"context"
	"fmt"

	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/rcl_interfaces"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
)

// Client calls the parameter services of one node. Each method waits for the service until ctx
// ends, and must not be called on the calling node's service goroutine. Errors are those of
// transport.Client.Call, and of answers that do not fit the request.
type Client struct {
	t    transport.Services
	node string
}

// NewClient calls from t the node with a fully qualified name.
func NewClient(t transport.Services, node string) *Client { return &Client{t: t, node: node} }

func (c *Client) call(ctx context.Context, service string, typ msgs.Type, request, response msgs.Message) error {
	name := c.node + "/" + service
	client, err := c.t.Client(name, rostype.Of(typ), transport.ParameterServiceQoS())
	if err != nil {
		return fmt.Errorf("service %s: %w", name, err)
	}
	defer client.Close()
	answer, err := client.Call(ctx, request.AppendCDR(nil))
	if err == nil {
		err = response.UnmarshalCDR(answer)
	}
	if err != nil {
		return fmt.Errorf("service %s: %w", name, err)
	}
	return nil
}

// List gives the names of the parameters beneath the prefixes, as far as depth levels, of all
// where there are none.
func (c *Client) List(ctx context.Context, prefixes []string, depth uint64) ([]string, error) {
	var response rcl_interfaces.ListParameters_Response
	err := c.call(ctx, "list_parameters", &rcl_interfaces.ListParameters{},
		&rcl_interfaces.ListParameters_Request{Prefixes: prefixes, Depth: depth}, &response)
	return response.Result.Names, err
}

// Get gives the values of parameters: of all, or none at all where the node does not know one
// of the names.
func (c *Client) Get(ctx context.Context, names ...string) ([]rcl.Value, error) {
	var response rcl_interfaces.GetParameters_Response
	err := c.call(ctx, "get_parameters", &rcl_interfaces.GetParameters{}, &rcl_interfaces.GetParameters_Request{Names: names}, &response)
	if err != nil || len(response.Values) == 0 {
		return nil, err
	}
	if len(response.Values) != len(names) {
		return nil, c.mismatch("get_parameters", len(response.Values), len(names))
	}
	values := make([]rcl.Value, len(names))
	for i := range values {
		values[i] = FromMessage(&response.Values[i])
	}
	return values, nil
}

// Describe gives the descriptors of parameters: of all, or none at all where the node does not
// know one of the names.
func (c *Client) Describe(ctx context.Context, names ...string) ([]rcl_interfaces.ParameterDescriptor, error) {
	var response rcl_interfaces.DescribeParameters_Response
	err := c.call(ctx, "describe_parameters", &rcl_interfaces.DescribeParameters{},
		&rcl_interfaces.DescribeParameters_Request{Names: names}, &response)
	return response.Descriptors, err
}

// Set sets parameters one after the other and gives the node's verdict on each.
func (c *Client) Set(ctx context.Context, list []Assignment) ([]rcl_interfaces.SetParametersResult, error) {
	var response rcl_interfaces.SetParameters_Response
	err := c.call(ctx, "set_parameters", &rcl_interfaces.SetParameters{},
		&rcl_interfaces.SetParameters_Request{Parameters: messages(list)}, &response)
	if err == nil && len(response.Results) != len(list) {
		err = c.mismatch("set_parameters", len(response.Results), len(list))
	}
	return response.Results, err
}

// SetAtomically sets all parameters or none.
func (c *Client) SetAtomically(ctx context.Context, list []Assignment) (rcl_interfaces.SetParametersResult, error) {
	var response rcl_interfaces.SetParametersAtomically_Response
	err := c.call(ctx, "set_parameters_atomically", &rcl_interfaces.SetParametersAtomically{},
		&rcl_interfaces.SetParametersAtomically_Request{Parameters: messages(list)}, &response)
	return response.Result, err
}

// Types gives the types of parameters, none at all where the node does not know one of the names.
func (c *Client) Types(ctx context.Context, names ...string) ([]rcl.Type, error) {
	var response rcl_interfaces.GetParameterTypes_Response
	err := c.call(ctx, "get_parameter_types", &rcl_interfaces.GetParameterTypes{},
		&rcl_interfaces.GetParameterTypes_Request{Names: names}, &response)
	if err != nil || len(response.Types) == 0 {
		return nil, err
	}
	if len(response.Types) != len(names) {
		return nil, c.mismatch("get_parameter_types", len(response.Types), len(names))
	}
	types := make([]rcl.Type, len(names))
	for i, t := range response.Types {
		types[i] = rcl.Type(t)
	}
	return types, nil
}

func messages(list []Assignment) []rcl_interfaces.Parameter {
	m := make([]rcl_interfaces.Parameter, len(list))
	for i, a := range list {
		m[i] = parameter(a.Name, a.Value)
	}
	return m
}

func (c *Client) mismatch(service string, got, want int) error {
	return fmt.Errorf("service %s/%s answered with %d elements, expected %d", c.node, service, got, want)
}
