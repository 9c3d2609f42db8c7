"""Brings up the node for an arm that ros2_control drives: real, in Gazebo or in MuJoCo.

The robot's own launch file has brought up its driver, with the controller that takes the
torques; params/robots has parameters for some arms. Nothing moves until the node is activated:

    ros2 launch guided_policy_search ros2_control.launch.py params_file:=ur5e.yaml \\
        commands:=forward_effort_controller/commands
    ros2 lifecycle set /guided_policy_search configure
    ros2 lifecycle set /guided_policy_search activate

The other arguments are those of bringup.launch.py.
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PythonExpression
from launch_ros.actions import Node

SHARE = Path(__file__).absolute().parent.parent


def generate_launch_description():
    spawner = Node(
        package='controller_manager',
        executable='spawner',
        namespace=LaunchConfiguration('namespace'),
        condition=IfCondition(PythonExpression(
            ["'", LaunchConfiguration('spawn'), "' != ''"])),
        arguments=[
            LaunchConfiguration('spawn'),
            '--controller-manager', LaunchConfiguration('controller_manager'),
        ],
        output='screen',
    )
    return LaunchDescription([
        DeclareLaunchArgument(
            'params_file',
            description='Parameters of the node; there are some in params/robots.'),
        DeclareLaunchArgument(
            'namespace', default_value='',
            description='Namespace of the node, and of the topics below unless they begin '
                        'with a slash.'),
        DeclareLaunchArgument(
            'spawn', default_value='',
            description='Controller to load and activate first; the joints and the type are '
                        "in the parameters of the robot's controller manager."),
        DeclareLaunchArgument(
            'controller_manager', default_value='controller_manager',
            description='Controller manager that loads it.'),
        DeclareLaunchArgument(
            'simulated', default_value='false',
            description='Start sim_robot, which needs no ros2_control.'),
        DeclareLaunchArgument(
            'autostart', default_value='false',
            description='Learn as soon as the robot is there; false leaves that to '
                        '`ros2 lifecycle set`, ~/start or ~/train.'),
        DeclareLaunchArgument(
            'clock', default_value='/clock',
            description='Topic of simulated time.'),
        spawner,
        IncludeLaunchDescription(
            str(SHARE / 'launch' / 'bringup.launch.py'),
            launch_arguments=[('params_file', LaunchConfiguration('params_file'))]),
    ])
