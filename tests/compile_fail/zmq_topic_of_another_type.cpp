// expect: (could not convert|cannot convert|no viable conversion|no matching)
#include <grove/zmq/topic.hpp>

struct Weather {
  double celsius = 0;
};
struct Alarm {
  std::string text;
};

void use(const grove::zmq::Topic<Weather>& oslo) { static_cast<void>(oslo.message(Alarm{})); }
