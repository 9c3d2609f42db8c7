package rostype_test

import (
	"testing"

	"guidedpolicysearch/msgs"
	gps "guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_srvs"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
)

func TestOf(t *testing.T) {
	const (
		jointState      = "RIHS01_a13ee3a330e346c9d87b5aa18d24e11690752bd33a0350f11c5882bc9179260e"
		trigger         = "RIHS01_eeff2cd6fa5ad9d27cdf4dec64818317839b62f212a91e6b5304b634b2062c5f"
		triggerRequest  = "RIHS01_d010825374ce8918e72bfd826c82603e60f45419e932ea976f807b74a863a199"
		triggerResponse = "RIHS01_2d946c21e2fc3f1e9ca6986a8191d85fcc70097a8bb7771a053564bc47009cdf"
	)
	train, sendGoal := new(gps.Train).TypeHash(), new(gps.Train_SendGoal).TypeHash()
	for _, c := range []struct {
		typ  msgs.Type
		want transport.Type
	}{
		{new(sensor_msgs.JointState), transport.Type{Name: "sensor_msgs/msg/JointState", Hash: jointState}},
		{new(std_srvs.Trigger), transport.Type{Name: "std_srvs/srv/Trigger", Hash: trigger, Request: triggerRequest, Response: triggerResponse}},
		{new(std_srvs.Trigger_Request), transport.Type{Name: "std_srvs/srv/Trigger_Request", Hash: triggerRequest}},
		{new(gps.Train), transport.Type{Name: "guided_policy_search_msgs/action/Train", Hash: train}},
		{new(gps.Train_SendGoal), transport.Type{Name: "guided_policy_search_msgs/action/Train_SendGoal", Hash: sendGoal,
			Request: new(gps.Train_SendGoal_Request).TypeHash(), Response: new(gps.Train_SendGoal_Response).TypeHash()}},
	} {
		got := rostype.Of(c.typ)
		if got != c.want {
			t.Errorf("%T: %+v, want %+v", c.typ, got, c.want)
		}
		if err := got.Validate(); err != nil {
			t.Error(err)
		}
	}
}
