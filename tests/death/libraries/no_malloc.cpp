// A shared library like any other: no malloc in it.
extern "C" int churn_test_answer() { return 42; }
