package urdf

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// arm is a description with one joint; each error replaces a part of it.
const arm = `<robot name="arm">
<link name="base"/>
<link name="hand"><inertial><origin/><mass value="1"/>
<inertia ixx="1" ixy="0" ixz="0" iyy="1" iyz="0" izz="1"/></inertial></link>
<joint name="elbow" type="revolute"><parent link="base"/><child link="hand"/>
<axis xyz="0 0 1"/>
<limit lower="-1" upper="1" effort="10" velocity="2"/>
</joint>
</robot>`

func TestErrors(t *testing.T) {
	if _, err := Parse([]byte(arm)); err != nil {
		t.Fatal(err)
	}
	const limit = `<limit lower="-1" upper="1" effort="10" velocity="2"/>`
	const axis = `<axis xyz="0 0 1"/>`
	fixed := func(name, parent, child string) string {
		return fmt.Sprintf(`<joint name="%s" type="fixed"><parent link="%s"/><child link="%s"/></joint>`, name, parent, child)
	}
	for _, c := range []struct{ name, old, new, want string }{
		// XML
		{"empty", arm, "", "line 1: no <robot> element"},
		{"text", arm, "\n\nrobot", `line 1: text outside of <robot>: "\n\nrobot"`},
		{"broken tag", `<axis xyz`, `<axis <xyz`, "line 6: not XML: "},
		{"wrong end", "</joint>", "</link>", "line 8: not XML: element <joint> closed by </link>"},
		{"cut off", "</robot>", "", "line 9: not XML: unexpected EOF"},
		{"two documents", "</robot>", "</robot>\n<robot/>", "line 10: <robot> after </robot>"},
		{"another format", arm, "<mujoco/>", "line 1: the document is <mujoco>, need <robot>"},
		{"entity", arm, `<!DOCTYPE robot [<!ENTITY e "x">]><robot><link name="&e;"/></robot>`, "line 1: not XML: invalid character entity &e;"},
		{"encoding", arm, `<?xml version="1.0" encoding="ISO-8859-1"?>` + arm, "line 1: not XML that can be read: xml: opening charset \"ISO-8859-1\": save the description as UTF-8"},
		{"control character", "base", "ba\x00se", "line 2: not XML: illegal character code U+0000"},
		{"attribute twice", axis, `<axis xyz="0 0 1" xyz="1 0 0"/>`, "line 6: <axis> has the attribute xyz twice"},
		{"deep", axis, strings.Repeat("<a>", 200) + strings.Repeat("</a>", 200), "line 6: more than 100 elements"},
		{"version", `<robot`, `<robot version="2.0"`, `line 1: <robot> has version="2.0", need 1.0 or 1.1`},
		// xacro
		{"macro", axis, `<xacro:axis/>`, "line 6: <xacro:axis> is xacro that is not expanded yet: run xacro"},
		{"macro of a namespace", arm, `<robot xmlns:xacro="http://www.ros.org/wiki/xacro"><gazebo>` + "\n" + `<xacro:if value="1"/></gazebo></robot>`, "line 2: <xacro:if> is xacro"},
		{"macro of an odd namespace", arm, `<robot xmlns:xacro="odd"><xacro:if value="1"/></robot>`, "line 1: <xacro:if> is xacro"},
		{"macro by another prefix", arm, `<robot xmlns:x="http://ros.org/wiki/xacro"><x:if value="1"/></robot>`, "line 1: <xacro:if> is xacro"},
		{"xacro attribute", axis, `<axis xacro:xyz="1"/>`, "line 6: the attribute xacro:xyz is xacro"},
		{"expression", `xyz="0 0 1"`, `xyz="0 0 ${z}"`, `line 6: xyz="0 0 ${z}" in <axis> is xacro`},
		{"substitution in a shape", `<origin/>`, `<visual f="$(find arm)"/>`, `line 3: f="$(find arm)" in <visual> is xacro`},
		// elements and attributes
		{"link name", `<link name="base"/>`, `<link/>`, "line 2: <link> has no name"},
		{"long name", `"base"/>`, `"` + strings.Repeat("x", 257) + `"/>`, "line 2: <link> has a name of 257 bytes"},
		{"joint name", `<joint name="elbow"`, `<joint name=""`, "line 5: <joint> has no name"},
		{"two axes", axis, axis + axis, `line 6: a second <axis> in <joint name="elbow">, the first is in line 6`},
		{"two inertials", `</inertial>`, `</inertial><inertial/>`, `line 4: a second <inertial> in <link name="hand">, the first is in line 3`},
		{"type", `"revolute"`, `"hinge"`, `line 5: joint "elbow": <joint> has type="hinge", need revolute`},
		{"no type", `type="revolute"`, ``, `line 5: joint "elbow": <joint> has type="", need revolute`},
		{"floating", `"revolute"`, `"floating"`, `joint "elbow": joints of type floating are not supported`},
		{"planar", `"revolute"`, `"planar"`, `joint "elbow": joints of type planar are not supported`},
		{"spherical", `"revolute"`, `"spherical"`, `joint "elbow": joints of type spherical are not supported`},
		{"no parent", `<parent link="base"/>`, ``, `joint "elbow": no parent, need <parent link=`},
		{"child without link", `<child link="hand"/>`, `<child/>`, `joint "elbow": no child, need <child link=`},
		{"no numbers", `xyz="0 0 1"`, `xyz=""`, `line 6: joint "elbow": <axis> has xyz="", need 3 numbers`},
		{"many numbers", `xyz="0 0 1"`, `xyz="0 0 1 0"`, `joint "elbow": <axis> has xyz="0 0 1 0", need 3 numbers`},
		{"decimal comma", `xyz="0 0 1"`, `xyz="0 0 0,5"`, `joint "elbow": <axis> has xyz="0 0 0,5", need 3 numbers`},
		{"not a number", `xyz="0 0 1"`, `xyz="0 0 nan"`, `has xyz="0 0 nan", need 3 numbers`},
		{"infinite", `upper="1"`, `upper="inf"`, `<limit> has upper="inf", need one number`},
		{"huge", `upper="1"`, `upper="1.1e30"`, `<limit> has upper="1.1e30", need one number of size at most 1e+30`},
		{"beyond floats", `upper="1"`, `upper="1e999"`, `<limit> has upper="1e999", need one number`},
		{"long number", `upper="1"`, `upper="1` + strings.Repeat(" ", 1000) + `"`, `line 7: joint "elbow": <limit> has upper="1  `},
		{"bad position", `<origin/>`, `<origin xyz="1"/>`, `line 3: link "hand": <origin> has xyz="1", need 3 numbers`},
		{"bad angles", `<origin/>`, `<origin rpy="1"/>`, `link "hand": <origin> has rpy="1", need 3 numbers`},
		{"bad quaternion", `<origin/>`, `<origin quat_xyzw="1 0 0"/>`, `<origin> has quat_xyzw="1 0 0", need 4 numbers`},
		{"quaternion in 1.0", `<origin/>`, `<origin quat_xyzw="1 0 0 0"/>`, `link "hand": <origin> has quat_xyzw, which URDF 1.0 does not know`},
		{"two rotations", arm, strings.NewReplacer(`<robot `, `<robot version="1.1" `, `<origin/>`, `<origin rpy="0 0 0" quat_xyzw="1 0 0 0"/>`).Replace(arm), "has both rpy and quat_xyzw"},
		{"quaternion length", arm, strings.NewReplacer(`<robot `, `<robot version="1.1" `, `<origin/>`, `<origin quat_xyzw="1 0 0 1"/>`).Replace(arm), "has a quat_xyzw of length 1.414, need 1"},
		// joints
		{"zero axis", `xyz="0 0 1"`, `xyz="0 0 0"`, `line 6: joint "elbow": <axis> has the length 0`},
		{"axis without direction", axis, `<axis/>`, `line 6: joint "elbow": <axis> has the length 0 or no xyz`},
		{"no limit", limit, ``, `line 5: joint "elbow": a revolute joint needs <limit lower="" upper="" effort="" velocity=""/> with its range in rad, its largest effort in N m`},
		{"no limit of a prismatic", arm, strings.NewReplacer(limit, "", "revolute", "prismatic").Replace(arm), `joint "elbow": a prismatic joint needs <limit lower="" upper="" effort="" velocity=""/> with its range in m, its largest effort in N and`},
		{"no effort", `effort="10"`, ``, `line 7: joint "elbow": <limit> has no effort`},
		{"no velocity", `velocity="2"`, ``, `line 7: joint "elbow": <limit> has no velocity`},
		{"zero effort", `effort="10"`, `effort="0"`, `line 7: joint "elbow": <limit> has effort=0, need a number > 0: write the largest effort that the joint can stand, in N m`},
		{"negative effort", `effort="10"`, `effort="-1"`, `has effort=-1, need a number > 0`},
		{"zero velocity", `velocity="2"`, `velocity="0"`, `<limit> has velocity=0, need a number > 0: write the largest velocity that the joint can stand, in rad/s`},
		{"zero effort of a continuous", arm, strings.NewReplacer(`effort="10"`, `effort="0"`, "revolute", "continuous").Replace(arm), `has effort=0, need a number > 0`},
		{"exchanged limits", `lower="-1"`, `lower="2"`, `line 7: joint "elbow": <limit> has lower=2 above upper=1`},
		{"no range", `lower="-1" upper="1"`, ``, `line 7: joint "elbow": <limit> leaves no room to move: lower and upper (0 if not given) are both 0 rad; write the joint's range, or type="fixed"`},
		{"negative damping", axis, `<dynamics damping="-1"/>`, `line 6: joint "elbow": <dynamics> has damping=-1, need a number >= 0`},
		{"negative friction", axis, `<dynamics friction="-1"/>`, `<dynamics> has friction=-1, need a number >= 0`},
		{"mimic of nothing", axis, `<mimic/>`, `line 6: joint "elbow": <mimic> has no joint`},
		{"mimic of an unknown", axis, `<mimic joint="wrist"/>`, `line 5: joint "elbow": <mimic> follows "wrist", need the name of a joint that moves`},
		{"mimic of itself", axis, `<mimic joint="elbow"/>`, `joint "elbow": <mimic> leads back to the joint itself`},
		{"bad multiplier", axis, `<mimic joint="elbow" multiplier="x"/>`, `<mimic> has multiplier="x", need one number`},
		{"bad offset", axis, `<mimic joint="elbow" offset="x"/>`, `<mimic> has offset="x", need one number`},
		// inertias
		{"no mass", `<mass value="1"/>`, ``, `line 3: link "hand": <inertial> needs both <mass> and <inertia>`},
		{"no inertia", `<inertia ixx="1" ixy="0" ixz="0" iyy="1" iyz="0" izz="1"/>`, ``, `link "hand": <inertial> needs both <mass> and <inertia>`},
		{"mass without value", `<mass value="1"/>`, `<mass/>`, `line 3: link "hand": <mass> has no value`},
		{"negative mass", `<mass value="1"/>`, `<mass value="-1"/>`, `line 3: link "hand": <mass> is -1 kg, need a number >= 0`},
		{"lacking moment", `iyz="0"`, ``, `line 4: link "hand": <inertia> has no iyz`},
		// tree
		{"no links", arm, "<robot/>", "line 1: the robot has no <link>"},
		{"same links", `<link name="base"/>`, `<link name="base"/><link name="hand"/>`, `line 3: a second link "hand", the first is in line 2`},
		{"same joints", `</robot>`, fixed("elbow", "hand", "hand") + `</robot>`, `line 9: a second joint "elbow", the first is in line 5`},
		{"unknown parent", `<parent link="base"/>`, `<parent link="bsae"/>`, `line 5: joint "elbow": its parent link "bsae" does not exist (the nearest is "base")`},
		{"unknown child", `<child link="hand"/>`, `<child link="land"/>`, `joint "elbow": its child link "land" does not exist (the nearest is "hand")`},
		{"two parents", `</robot>`, fixed("second", "base", "hand") + `</robot>`, `line 9: link "hand" hangs from two joints, "elbow" and "second"`},
		{"own parent", `<child link="hand"/>`, `<child link="base"/>`, `line 5: links hang from each other in a loop: "base" -> "base"`},
		{"loop", `</robot>`, `<link name="x"/><link name="y"/><link name="z"/><link name="tip"/>` + "\n" + fixed("t", "z", "tip") + fixed("a", "x", "y") + fixed("b", "y", "z") + fixed("c", "z", "x") + `</robot>`,
			`line 10: links hang from each other in a loop: "x" -> "y" -> "z" -> "x"`},
		{"several roots", `</robot>`, `<link name="x"/><link name="y"/></robot>`, `line 9: 3 links hang from no joint: "base", "x", "y"; only the base may`},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(arm, c.old, c.new, 1)
			if text == arm {
				t.Fatalf("%q is not in the description", c.old)
			}
			m, err := Parse([]byte(text))
			if m != nil || !errors.Is(err, ErrDescription) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("model %v, error\n%v, want\n%s", m, err, c.want)
			}
		})
	}
}

// TestMimicChains: a mimic may follow a mimic, but not a fixed joint or, by others, itself.
func TestMimicChains(t *testing.T) {
	joint := func(name, parent, child, kind, mimic string) string {
		if mimic != "" {
			mimic = `<mimic joint="` + mimic + `"/>`
		}
		return fmt.Sprintf(`<link name="%s"/><joint name="%s" type="%s"><parent link="%s"/><child link="%s"/>%s</joint>`, child, name, kind, parent, child, mimic)
	}
	for _, c := range []struct{ a, b, kind, want string }{
		{"", "a", "continuous", ""},
		{"", "a", "fixed", ""},
		{"b", "", "fixed", `joint "a": <mimic> follows "b", need the name of a joint that moves`},
		{"b", "c", "continuous", ""},
		{"b", "a", "continuous", `joint "a": <mimic> leads back`},
	} {
		m, err := Parse([]byte(`<robot><link name="0"/>` + joint("d", "0", "4", "continuous", "a") + joint("a", "0", "1", "continuous", c.a) + joint("b", "1", "2", c.kind, c.b) + joint("c", "2", "3", "continuous", "") + `</robot>`))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("a follows %q and b, %s, %q: error %v, want %q", c.a, c.kind, c.b, err, c.want)
		}
		if want := (Mimic{Joint: "a", Multiplier: 1}); m != nil && *m.Joints[0].Mimic != want {
			t.Errorf("mimic %+v, want %+v", *m.Joints[0].Mimic, want)
		}
	}
}

// chain is a description of n links in a chain.
func chain(n int) string {
	var b strings.Builder
	b.WriteString(`<robot name="chain">`)
	for i := range n {
		fmt.Fprintf(&b, `<link name="l%d"/>`, i)
		if i > 0 {
			fmt.Fprintf(&b, `<joint name="j%d" type="fixed"><parent link="l%d"/><child link="l%d"/></joint>`, i, i-1, i)
		}
	}
	return b.String() + `</robot>`
}

// TestSizes: the largest robot is read, one link more is not, nor endless joints.
func TestSizes(t *testing.T) {
	m, err := Parse([]byte(chain(maxLinks)))
	if err != nil || len(m.Links) != maxLinks {
		t.Errorf("a chain of %d links: error %v", maxLinks, err)
	}
	for name, text := range map[string]string{
		"links":  chain(maxLinks + 1),
		"joints": "<robot>" + strings.Repeat("<joint/>", maxLinks+1),
		"bytes":  strings.Repeat(" ", maxBytes+1),
	} {
		if _, err := Parse([]byte(text)); !errors.Is(err, ErrDescription) || !strings.Contains(err.Error(), "more than 1000 links") && !strings.Contains(err.Error(), "longer than 16 MiB") {
			t.Errorf("too many %s: error %v", name, err)
		}
	}
	loose := "<robot>"
	for i := range maxLinks {
		loose += fmt.Sprintf(`<link name="loose%d"/>`, i)
	}
	if _, err := Parse([]byte(loose + "</robot>")); err == nil || len(err.Error()) > 2000 || !strings.Contains(err.Error(), "1000 links hang from no joint") || !strings.Contains(err.Error(), "and 970 more") {
		t.Errorf("1000 roots: error %v", err)
	}
}
