"""Brings up the planar arm, simulated or real, and the node that learns on it.

    ros2 launch guided_policy_search planar_arm.launch.py
    ros2 launch guided_policy_search planar_arm.launch.py namespace:=arm2 simulated:=false
"""

from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument, EmitEvent, IncludeLaunchDescription, RegisterEventHandler)
from launch.conditions import IfCondition
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

PACKAGE = 'guided_policy_search'


def generate_launch_description():
    common = {
        'package': PACKAGE,
        'namespace': LaunchConfiguration('namespace'),
        'parameters': [LaunchConfiguration('params_file')],
        # Each robot has a clock of its own where each has a namespace.
        'remappings': [('/clock', 'clock')],
        'output': 'screen',
    }
    robot = Node(
        executable='sim_robot',
        condition=IfCondition(LaunchConfiguration('simulated')),
        **common,
    )
    node = Node(
        executable='gps_node',
        # On the command line a relative path begins at the working folder.
        ros_arguments=[
            '-p', ['runs_folder:=', LaunchConfiguration('runs_folder')],
            '-p', ['autostart:=', LaunchConfiguration('autostart')],
        ],
        **common,
    )
    return LaunchDescription([
        DeclareLaunchArgument(
            'params_file',
            default_value=PathJoinSubstitution(
                [FindPackageShare(PACKAGE), 'params', 'planar_arm.yaml']),
            description='Parameters of the node and of the simulated robot.'),
        DeclareLaunchArgument(
            'namespace', default_value='',
            description='Namespace of both nodes and of their topics.'),
        DeclareLaunchArgument(
            'simulated', default_value='true',
            description='Start the simulated robot; false where the real one is running.'),
        DeclareLaunchArgument(
            'runs_folder', default_value='runs',
            description='Folder in which each run gets a folder for its recordings.'),
        DeclareLaunchArgument(
            'autostart', default_value='true',
            description='Learn as soon as the robot is there; false leaves that to '
                        '`ros2 lifecycle set`, ~/start or ~/train.'),
        DeclareLaunchArgument(
            'diagnostics', default_value='false',
            description='Start an aggregator of /diagnostics for rqt_robot_monitor, once for '
                        'all robots.'),
        robot,
        node,
        IncludeLaunchDescription(
            PathJoinSubstitution(
                [FindPackageShare(PACKAGE), 'launch', 'diagnostics.launch.py']),
            condition=IfCondition(LaunchConfiguration('diagnostics'))),
        RegisterEventHandler(OnProcessExit(
            target_action=node,
            on_exit=[EmitEvent(event=Shutdown(reason='the node has ended'))])),
    ])
