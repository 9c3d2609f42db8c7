"""Brings up the node that learns, and the simulated robot unless the real one is running.

The other launch files include this one, each with what its task needs:

    ros2 launch guided_policy_search bringup.launch.py params_file:=my_arm.yaml
    ros2 launch launch/bringup.launch.py params_file:=my_arm.yaml

The second one is for a checkout: it starts what `make build` made. With policy:=FILE the node runs
that policy as it is, and learns nothing.
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument, EmitEvent, IncludeLaunchDescription, OpaqueFunction,
    RegisterEventHandler)
from launch.conditions import IfCondition
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

# The share folder of the package, or a checkout.
SHARE = Path(__file__).absolute().parent.parent


def program(name):
    """Say where a program is: in the bin folder of a checkout, or else in the package."""
    built = SHARE / 'bin' / name
    if built.exists():
        return {'executable': str(built)}
    return {'package': 'guided_policy_search', 'executable': name}


def common():
    """Return what both programs are started with."""
    return {
        'namespace': LaunchConfiguration('namespace'),
        'parameters': [LaunchConfiguration('params_file')],
        'remappings': [
            ('joint_states', LaunchConfiguration('joint_states')),
            ('effort_controller/commands', LaunchConfiguration('commands')),
            ('robot_description', LaunchConfiguration('robot_description')),
            ('/clock', LaunchConfiguration('clock')),
        ],
        'output': 'screen',
    }


def start_node(context):
    """Start the node, to learn or to run a policy; when it has ended the launch ends."""
    # On the command line a relative path begins at the working folder.
    arguments = [
        '-p', ['runs_folder:=', LaunchConfiguration('runs_folder')],
        '-p', ['autostart:=', LaunchConfiguration('autostart')],
    ]
    policy = LaunchConfiguration('policy').perform(context)
    if policy:
        arguments += ['-p', 'mode:=run', '-p', f"policy.file:='{policy}'"]
    node = Node(**program('gps_node'), ros_arguments=arguments, **common())
    return [
        node,
        RegisterEventHandler(OnProcessExit(
            target_action=node,
            on_exit=[EmitEvent(event=Shutdown(reason='the node has ended'))])),
    ]


def generate_launch_description():
    return LaunchDescription([
        DeclareLaunchArgument(
            'params_file',
            description='Parameters of the node, and of the simulated robot.'),
        DeclareLaunchArgument(
            'namespace', default_value='',
            description='Namespace of what is started, and of the topics below unless they '
                        'begin with a slash.'),
        DeclareLaunchArgument(
            'simulated', default_value='true',
            description='Start the simulated robot; false where the real one is running.'),
        DeclareLaunchArgument(
            'runs_folder', default_value='runs',
            description='Folder in which each run gets a folder for its recordings.'),
        DeclareLaunchArgument(
            'policy', default_value='',
            description='Policy to run (.gps or .onnx) in place of learning.'),
        DeclareLaunchArgument(
            'autostart', default_value='true',
            description='Learn as soon as the robot is there; false leaves that to '
                        '`ros2 lifecycle set`, ~/start or ~/train.'),
        DeclareLaunchArgument(
            'diagnostics', default_value='false',
            description='Start an aggregator of /diagnostics for rqt_robot_monitor, once for '
                        'all robots.'),
        DeclareLaunchArgument(
            'joint_states', default_value='joint_states',
            description='Topic of the joint states.'),
        DeclareLaunchArgument(
            'commands', default_value='effort_controller/commands',
            description='Topic on which torques are taken.'),
        DeclareLaunchArgument(
            'robot_description', default_value='robot_description',
            description='Topic of the description of the robot.'),
        DeclareLaunchArgument(
            # Each simulated robot has a clock of its own where each has a namespace.
            'clock', default_value='clock',
            description='Topic of simulated time.'),
        Node(
            **program('sim_robot'),
            condition=IfCondition(LaunchConfiguration('simulated')),
            **common(),
        ),
        OpaqueFunction(function=start_node),
        IncludeLaunchDescription(
            str(SHARE / 'launch' / 'diagnostics.launch.py'),
            condition=IfCondition(LaunchConfiguration('diagnostics'))),
    ])
