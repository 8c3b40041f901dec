// What:  one cycle of snapshot-at-the-beginning marking: its beginning and its end, for each of
//        which the world stands still, and what lies between, beside running mutators.
// Why:   what a cycle must keep is decided at one moment: all that is reachable then. Everything
//        that is made later lives until the next cycle, and everything that is cut off later too:
//        so marking needs to know nothing of what mutators do but what they overwrite.
// How:   a Host (the heap) provides
//          for_each_log(visit)     the logs of all mutators; the world is stopped
//          grey_roots()            greys what roots name; the world is stopped
//          grey(word)              marks an object, unless it is marked, and will look at its slots
//          trace(patience)         looks at the slots of grey objects until there are none (true),
//                                  or until patience() is false
//          revive()                the world is stopped, and nothing is grey: decides what has
//                                  died, and greys what must live on nevertheless; whether it did
//          began(), ended()        the world is stopped: from now on new objects are black; all of
//                                  the snapshot is marked
//        begin() greys the roots and traces for as long as the pause may last: a small heap is done
//        with that, and needs no second pause. Otherwise mark() goes on, by one thread beside the
//        mutators, and end() takes what the logs still hold; if that is more than a pause can deal
//        with, marking goes on as before.
// Invariants: between begin and end, an object of the snapshot is marked, or grey objects lead to
//        it along slots nobody has written since, or it is in a log. New objects are black.
// Cost:  two stops a cycle, or one; each as long as `patience` allows, and the roots take.
// Source: T. Yuasa, J. Systems and Software 11, 1990; The Garbage Collection Handbook, 2nd ed.,
//        section 16.1, "black mutator, snapshot at the beginning".
// Thread-safety: begin, mark and end are called by one thread at a time.
#pragma once

#include "collectors/parts/snapshot_log.hpp"
#include "collectors/parts/world.hpp"

namespace churn::collectors {

template <class Host, class Policy = ThreadsPolicy, std::size_t capacity = snapshot_chunk_words>
class SnapshotCycle {
 public:
  using Logs = SnapshotLogs<Policy, capacity>;
  using Log = typename Logs::Log;

  explicit SnapshotCycle(Host& host) noexcept : host_(host) {}

  // Changes only while the world is stopped.
  bool marking() const noexcept { return marking_; }
  Logs& logs() noexcept { return logs_; }

  // pre: the world is stopped, and no cycle marks. True: the cycle has ended already.
  template <class Patience>
  bool begin(Patience patience) {
    marking_ = true;
    host_.for_each_log([](Log& log) { log.on = true; });
    host_.began();
    host_.grey_roots();
    return finish(patience);
  }
  // Beside running mutators: marks until nothing is left to do but what logs still hold. True
  // unless patience() became false.
  template <class Patience>
  bool mark(Patience patience) {
    do {
      if (!host_.trace(patience)) return false;
    } while (logs_.take([this](Word word) { host_.grey(word); }));
    return true;
  }
  // pre: the world is stopped, and a cycle marks. False: not ended, mark() must go on.
  template <class Patience>
  bool end(Patience patience) {
    host_.for_each_log([this](Log& log) { logs_.hand_over(log); });
    return finish(patience);
  }

  // For a mutator that attaches, and one that detaches; both under the world's lock, so that no
  // beginning and no end can fall in between.
  void attach(Log& log) noexcept { log.on = marking_; }
  void detach(Log& log) { logs_.hand_over(log); }

 private:
  template <class Patience>
  bool finish(Patience patience) {
    do {
      if (!mark(patience)) return false;
    } while (host_.revive());
    host_.for_each_log([](Log& log) { log.on = false; });
    marking_ = false;
    host_.ended();
    return true;
  }

  Host& host_;
  Logs logs_;
  bool marking_ = false;
};

}  // namespace churn::collectors
