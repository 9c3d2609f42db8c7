"""Brings up a planar arm and a disc in MuJoCo,
and the node that learns to push the disc to a mark.

    ros2 launch guided_policy_search planar_pusher.launch.py

The arguments are those of planar_arm.launch.py.
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.substitutions import PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

PACKAGE = 'guided_policy_search'


def generate_launch_description():
    return LaunchDescription([
        DeclareLaunchArgument(
            'params_file',
            default_value=PathJoinSubstitution(
                [FindPackageShare(PACKAGE), 'params', 'planar_pusher.yaml']),
            description='Parameters of the node and of the simulated robot.'),
        IncludeLaunchDescription(
            PathJoinSubstitution(
                [FindPackageShare(PACKAGE), 'launch', 'planar_arm.launch.py'])),
    ])
