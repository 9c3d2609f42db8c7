// The rclcpp side of the round trip: a node as its tutorials have them, which answers each
// joint state with the torques of a PD controller. It ends on SIGINT.
#include <memory>
#include <rclcpp/rclcpp.hpp>
#include <sensor_msgs/msg/joint_state.hpp>
#include <std_msgs/msg/float64_multi_array.hpp>

class Pong : public rclcpp::Node {
public:
  Pong() : Node("pong") {
    publisher_ = create_publisher<std_msgs::msg::Float64MultiArray>("effort_controller/commands", 10);
    subscription_ = create_subscription<sensor_msgs::msg::JointState>(
      "joint_states", 10, [this](sensor_msgs::msg::JointState::ConstSharedPtr state) { respond(*state); });
  }

private:
  void respond(const sensor_msgs::msg::JointState & state) {
    command_.data.resize(state.position.size());
    for (size_t i = 0; i < command_.data.size() && i < state.velocity.size(); i++)
      command_.data[i] = 6.0 * (0.1 - state.position[i]) - 3.0 * state.velocity[i];
    publisher_->publish(command_);
  }

  std_msgs::msg::Float64MultiArray command_;
  rclcpp::Publisher<std_msgs::msg::Float64MultiArray>::SharedPtr publisher_;
  rclcpp::Subscription<sensor_msgs::msg::JointState>::SharedPtr subscription_;
};

int main(int argc, char ** argv) {
  rclcpp::init(argc, argv);
  rclcpp::spin(std::make_shared<Pong>());
  rclcpp::shutdown();
  return 0;
}
