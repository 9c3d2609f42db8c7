"""Brings up the node for an arm that ros2_control drives: real, in Gazebo or in MuJoCo.

The robot's own launch file has brought up its driver, with the controller that takes the
torques; params/robots has parameters for some arms. Nothing moves until the node is activated:

    ros2 launch guided_policy_search ros2_control.launch.py params_file:=ur5e.yaml \\
        commands:=forward_effort_controller/commands
    ros2 lifecycle set /guided_policy_search configure
    ros2 lifecycle set /guided_policy_search activate
"""

from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument, EmitEvent, IncludeLaunchDescription, RegisterEventHandler)
from launch.conditions import IfCondition
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.substitutions import (
    LaunchConfiguration, PathJoinSubstitution, PythonExpression)
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

PACKAGE = 'guided_policy_search'


def generate_launch_description():
    namespace = LaunchConfiguration('namespace')
    spawner = Node(
        package='controller_manager',
        executable='spawner',
        namespace=namespace,
        condition=IfCondition(PythonExpression(
            ["'", LaunchConfiguration('spawn'), "' != ''"])),
        arguments=[
            LaunchConfiguration('spawn'),
            '--controller-manager', LaunchConfiguration('controller_manager'),
        ],
        output='screen',
    )
    node = Node(
        package=PACKAGE,
        executable='gps_node',
        namespace=namespace,
        parameters=[LaunchConfiguration('params_file')],
        remappings=[
            ('joint_states', LaunchConfiguration('joint_states')),
            ('effort_controller/commands', LaunchConfiguration('commands')),
            ('robot_description', LaunchConfiguration('robot_description')),
        ],
        # On the command line a relative path begins at the working folder.
        ros_arguments=[
            '-p', ['runs_folder:=', LaunchConfiguration('runs_folder')],
            '-p', ['autostart:=', LaunchConfiguration('autostart')],
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
            'joint_states', default_value='joint_states',
            description='Topic of the joint states.'),
        DeclareLaunchArgument(
            'commands', default_value='effort_controller/commands',
            description='Topic on which the controller takes torques.'),
        DeclareLaunchArgument(
            'robot_description', default_value='robot_description',
            description='Topic of the description of the robot.'),
        DeclareLaunchArgument(
            'spawn', default_value='',
            description='Controller to load and activate first; the joints and the type are '
                        "in the parameters of the robot's controller manager."),
        DeclareLaunchArgument(
            'controller_manager', default_value='controller_manager',
            description='Controller manager that loads it.'),
        DeclareLaunchArgument(
            'runs_folder', default_value='runs',
            description='Folder in which each run gets a folder for its recordings.'),
        DeclareLaunchArgument(
            'autostart', default_value='false',
            description='Learn as soon as the robot is there; false leaves that to '
                        '`ros2 lifecycle set`, ~/start or ~/train.'),
        DeclareLaunchArgument(
            'diagnostics', default_value='false',
            description='Start an aggregator of /diagnostics for rqt_robot_monitor.'),
        spawner,
        node,
        IncludeLaunchDescription(
            PathJoinSubstitution(
                [FindPackageShare(PACKAGE), 'launch', 'diagnostics.launch.py']),
            condition=IfCondition(LaunchConfiguration('diagnostics'))),
        RegisterEventHandler(OnProcessExit(
            target_action=node,
            on_exit=[EmitEvent(event=Shutdown(reason='the node has ended'))])),
    ])
