// Command scripted makes the demonstration of params/planar_pusher_demonstration.yaml:
//
//	go run ./node/demonstration/scripted params/planar_pusher_demonstration.mcap
//
// A hand that sees the disc leads the finger of the simulated arm behind it, and pushes it to the mark,
// slowly and steering as it goes. What is recorded is what encoders would: joint positions in steps of
// 2 pi / 2^16, 100 times a second, without velocities or efforts.
package main

import (
	"fmt"
	"math"
	"os"
	"path"

	"github.com/foxglove/mcap/go/mcap"

	"guidedpolicysearch/hardware/models"
	"guidedpolicysearch/hardware/mujoco"
	"guidedpolicysearch/hardware/rigidbody"
	"guidedpolicysearch/hardware/urdf"
	"guidedpolicysearch/msgs/builtin_interfaces"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
)

const (
	model     = "package://guided_policy_search/models/planar_pusher"
	timeStep  = 0.001 // s
	every     = 10    // time steps between two joint states
	duration  = 5.0   // s
	encoder   = 2 * math.Pi / (1 << 16)
	topicName = "/joint_states"
)

// point is a place or velocity on the table, m or m/s.
type point struct{ x, y float64 }

func (a point) plus(s float64, b point) point { return point{a.x + s*b.x, a.y + s*b.y} }
func (a point) dot(b point) float64           { return a.x*b.x + a.y*b.y }
func (a point) length() float64               { return math.Hypot(a.x, a.y) }

// limited returns a, not longer than most.
func (a point) limited(most float64) point {
	return point{}.plus(min(1, most/max(a.length(), 1e-9)), a)
}

var mark = point{0.55, 0.2}

const (
	touching = 0.075 // m, from the disc's middle to the finger's when they touch
	arrived  = 0.006 // m, of the disc from the mark
	speed    = 0.2   // m/s, of the finger
)

// lead returns the velocity that the hand gives the finger.
func lead(finger, disc point) point {
	toMark := mark.plus(-1, disc)
	if toMark.length() < arrived {
		return point{}
	}
	along := point{}.plus(1/toMark.length(), toMark)
	behind := disc.plus(-touching, along)
	off := behind.plus(-1, finger)
	across := off.plus(-off.dot(along), along)
	if across.length() > 0.02 || off.dot(along) > 0.03 { // not behind the disc yet
		return point{}.plus(4, off.plus(-0.02, along)).limited(speed)
	}
	return point{}.plus(speed*min(1, toMark.length()/0.05+0.2), along).plus(12, across)
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "scripted: need one argument, the MCAP file to be written")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "scripted:", err)
		os.Exit(1)
	}
}

func run(file string) error {
	fsys, name, err := models.Open(model + ".xml")
	if err != nil {
		return err
	}
	s, err := mujoco.Load(fsys, name, mujoco.Config{TimeStep: timeStep, Joints: []string{"joint1", "joint2", "joint3"}})
	if err != nil {
		return err
	}
	defer s.Close()
	finger, err := fingertip(s.JointNames())
	if err != nil {
		return err
	}
	position, err := s.Sensor("object_position")
	if err != nil {
		return err
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	w, err := newRecorder(out)
	if err != nil {
		return err
	}
	const n = 3
	stiffness, damping := [n]float64{150, 80, 30}, [n]float64{12, 6, 2}
	reference, u, object := make([]float64, n), make([]float64, n), make([]float64, 3)
	copy(reference, s.Positions())
	var disc point
	for k := range int(duration / timeStep) {
		if k%every == 0 {
			if err := w.write(float64(k)*timeStep, s.JointNames(), s.Positions()); err != nil {
				return err
			}
		}
		if err := s.ReadSensor(object, position); err != nil {
			return err
		}
		disc = point{object[0], object[1]}
		speeds := finger.speeds(reference, lead(finger.at(s.Positions()), disc))
		for i, v := range speeds {
			reference[i] += timeStep * v
			u[i] = stiffness[i]*(reference[i]-s.Positions()[i]) + damping[i]*(v-s.Velocities()[i])
		}
		if err := s.Step(u); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	fmt.Printf("%s: %.3g s of joint states; the disc ends %.1f mm from the mark\n", path.Base(file), duration, 1000*mark.plus(-1, disc).length())
	return out.Close()
}

// hand moves the finger.
type hand struct {
	points          *rigidbody.Points
	place, jacobian []float64
}

func fingertip(joints []string) (*hand, error) {
	text, err := models.Read(model + ".urdf")
	if err != nil {
		return nil, err
	}
	description, err := urdf.Parse(text)
	if err != nil {
		return nil, err
	}
	cfg := rigidbody.DefaultConfig()
	cfg.Joints = joints
	tree, err := rigidbody.New(description, cfg)
	if err != nil {
		return nil, err
	}
	points, err := tree.Points("finger", [][3]float64{{}})
	if err != nil {
		return nil, err
	}
	return &hand{points, make([]float64, 3), make([]float64, 3*len(joints))}, nil
}

// at returns where the finger is at joint positions q.
func (h *hand) at(q []float64) point {
	h.points.Points(h.place, q)
	return point{h.place[0], h.place[1]}
}

// speeds returns the least joint velocities that give the finger a velocity, J' (J J')^-1 v.
func (h *hand) speeds(q []float64, v point) []float64 {
	h.points.Jacobian(h.jacobian, q)
	n := len(q)
	x, y := h.jacobian[:n], h.jacobian[n:2*n]
	var xx, xy, yy float64
	for i := range n {
		xx, xy, yy = xx+x[i]*x[i], xy+x[i]*y[i], yy+y[i]*y[i]
	}
	det := xx*yy - xy*xy
	a, b := (yy*v.x-xy*v.y)/det, (xx*v.y-xy*v.x)/det
	speeds := make([]float64, n)
	for i := range speeds {
		speeds[i] = a*x[i] + b*y[i]
	}
	return speeds
}

// recorder writes joint states as rosbag2 does.
type recorder struct {
	*mcap.Writer
	count uint32
}

func newRecorder(out *os.File) (*recorder, error) {
	w, err := mcap.NewWriter(out, &mcap.WriterOptions{IncludeCRC: true, Chunked: true, ChunkSize: 1 << 20, Compression: mcap.CompressionZSTD})
	if err != nil {
		return nil, err
	}
	var message sensor_msgs.JointState
	if err := w.WriteHeader(&mcap.Header{Profile: "ros2"}); err != nil {
		return nil, err
	}
	if err := w.WriteSchema(&mcap.Schema{ID: 1, Name: message.TypeName(), Encoding: "ros2msg", Data: []byte(message.Definition())}); err != nil {
		return nil, err
	}
	return &recorder{Writer: w}, w.WriteChannel(&mcap.Channel{ID: 1, SchemaID: 1, Topic: topicName, MessageEncoding: "cdr"})
}

// write records joint positions at a time in s.
func (r *recorder) write(at float64, joints []string, q []float64) error {
	now := int64(math.Round(at*1e9)) + 1e9
	m := sensor_msgs.JointState{Header: std_msgs.Header{Stamp: builtin_interfaces.Time{Sec: int32(now / 1e9), Nanosec: uint32(now % 1e9)}}, Name: joints}
	for _, v := range q {
		m.Position = append(m.Position, encoder*math.Round(v/encoder))
	}
	r.count++
	return r.WriteMessage(&mcap.Message{ChannelID: 1, Sequence: r.count, LogTime: uint64(now), PublishTime: uint64(now), Data: m.AppendCDR(nil)})
}
