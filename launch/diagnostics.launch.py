"""Aggregates /diagnostics into /diagnostics_agg, which rqt_robot_monitor shows.

    ros2 launch guided_policy_search diagnostics.launch.py

Once for all robots of a domain. Without diagnostic_aggregator it says so and starts nothing.
"""

from pathlib import Path

from ament_index_python.packages import get_packages_with_prefixes
from launch import LaunchDescription
from launch.actions import LogInfo
from launch_ros.actions import Node

AGGREGATOR = 'diagnostic_aggregator'


def generate_launch_description():
    if AGGREGATOR not in get_packages_with_prefixes():
        return LaunchDescription([LogInfo(
            msg=f'{AGGREGATOR} is not installed: nothing is published on /diagnostics_agg')])
    return LaunchDescription([Node(
        package=AGGREGATOR,
        executable='aggregator_node',
        parameters=[str(Path(__file__).absolute().parent / 'diagnostics.yaml')],
        output='screen',
    )])
