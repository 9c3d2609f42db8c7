"""Brings up a seven-joint torque arm in MuJoCo,
and the node that learns to put its peg into a hole.

    ros2 launch guided_policy_search peg_insertion.launch.py
    ros2 launch guided_policy_search peg_insertion.launch.py \\
        params_file:=params/mdgps_peg.yaml

The arguments are those of bringup.launch.py.
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.substitutions import LaunchConfiguration

SHARE = Path(__file__).absolute().parent.parent


def generate_launch_description():
    return LaunchDescription([
        DeclareLaunchArgument(
            'params_file', default_value=str(SHARE / 'params' / 'peg_insertion.yaml'),
            description='Parameters of the node and of the simulated robot.'),
        IncludeLaunchDescription(
            str(SHARE / 'launch' / 'bringup.launch.py'),
            launch_arguments=[('params_file', LaunchConfiguration('params_file'))]),
    ])
