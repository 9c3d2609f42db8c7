#!/usr/bin/env python3
"""Writes what ros2_control needs for an arm of mock hardware.

    scripts/mock_arm.py DESCRIPTION.urdf PARAMS.yaml FOLDER

The joints and where they begin are those of the node's parameters. The folder gets
description.yaml (a std_msgs/String of the description), manager.yaml (parameters of the controller
manager and its controllers), and node.yaml (those of the node, in the time of the clock).
"""

import pathlib
import sys

import yaml

INTERFACES = """<joint name="{name}">
<command_interface name="effort"/>
<state_interface name="position"><param name="initial_value">{position}</param></state_interface>
<state_interface name="velocity"><param name="initial_value">0.0</param></state_interface>
<state_interface name="effort"/>
</joint>"""


def main(description, params, folder):
    nodes = yaml.safe_load(pathlib.Path(params).read_text())
    (node,) = (n['ros__parameters'] for n in nodes.values())
    node['use_sim_time'] = False
    joints = node['robot']['joints']
    hardware = ''.join(
        INTERFACES.format(name=name, position=position)
        for name, position in zip(joints, node['conditions']['initial_position']))
    urdf = pathlib.Path(description).read_text().replace('</robot>', (
        '<ros2_control name="arm" type="system">'
        '<hardware><plugin>mock_components/GenericSystem</plugin></hardware>'
        f'{hardware}</ros2_control></robot>'))
    controllers = {
        'joint_state_broadcaster': 'joint_state_broadcaster/JointStateBroadcaster',
        'effort_controller': 'effort_controllers/JointGroupEffortController',
    }
    manager = {
        'update_rate': 200,
        **{name: {'type': kind} for name, kind in controllers.items()},
    }
    files = {
        'description.yaml': {'data': urdf},
        'manager.yaml': {
            'controller_manager': {'ros__parameters': manager},
            'effort_controller': {'ros__parameters': {'joints': joints}},
        },
        'node.yaml': nodes,
    }
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(yaml.safe_dump(content, width=sys.maxsize))


if len(sys.argv) != 4:
    sys.exit(__doc__)
main(*sys.argv[1:])
