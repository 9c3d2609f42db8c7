"""Brings up the planar arm, simulated or real, and the node that learns on it.

    ros2 launch guided_policy_search planar_arm.launch.py
    ros2 launch guided_policy_search planar_arm.launch.py \\
        params_file:=params/mdgps_arm2.yaml
    ros2 launch guided_policy_search planar_arm.launch.py namespace:=arm2 simulated:=false

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
            'params_file', default_value=str(SHARE / 'params' / 'planar_arm.yaml'),
            description='Parameters of the node and of the simulated robot.'),
        IncludeLaunchDescription(
            str(SHARE / 'launch' / 'bringup.launch.py'),
            launch_arguments=[('params_file', LaunchConfiguration('params_file'))]),
    ])
