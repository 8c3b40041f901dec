// What:  the one Boehm-Demers-Weiser collector of this process, as a heap needs it: begun once,
//        told of threads and of roots that it cannot find, asked for memory, collections, what is
//        left, and what has died.
// Why:   bdwgc is a library with one heap, global settings and callbacks without context; here is
//        the only place that knows so.
// How:   machine stacks and registers of registered threads are scanned conservatively by bdwgc
//        itself; a client's `push_roots` is called at every collection for the rest. References
//        point behind a header of one word, which bdwgc is told (a displacement). Its disappearing
//        links are cleared before it decides whose finalizers are due; those it then runs when
//        asked, in no order, and until then all that these objects reach is marked.
// Invariants: at most one client at a time. What a callback reads is changed under the collector's
//        lock alone (`locked`).
// Errors: allocate gives null where no memory is left.
// Thread-safety: all of it, but begin: once, before other threads allocate.
// Source: H.-J. Boehm and M. Weiser, Garbage collection in an uncooperative environment, Software
//        Practice and Experience 18(9), 1988; the library is Debian's libgc 8.2.
#pragma once

#define GC_THREADS
#define GC_NO_THREAD_REDIRECTS  // threads are registered where they become mutators
#include <gc/gc.h>
#include <gc/gc_mark.h>
#include <gc/gc_typed.h>

#include <cstddef>
#include <cstdint>

#include "harness/core/check.hpp"

namespace churn::collectors {

class Bdwgc {
 public:
  // Called with the collector's lock held: before the other threads stop, when they run again, and
  // while they are stopped.
  class Client {
   public:
    virtual void world_stops() noexcept = 0;
    virtual void world_goes_on() noexcept = 0;
    virtual void push_roots() noexcept = 0;
    // Without the lock, in tell_deaths: a watched object, whole.
    virtual void died(void* object, std::uint64_t tag) noexcept = 0;

   protected:
    ~Client() = default;
  };

  static constexpr std::size_t header_bytes = 8;

  // `markers` and `incremental` hold for the process; later calls must ask for the same.
  static void begin(Client& client, unsigned markers, bool incremental) {
    static unsigned markers_begun = 0;
    static bool incremental_begun = false;
    bool const two_clients = client_ != nullptr;
    CHURN_CHECK(!two_clients);
    if (markers_begun == 0) {
      GC_set_all_interior_pointers(0);
      GC_set_markers_count(markers);
      GC_set_warn_proc(GC_ignore_warn_proc);
      GC_set_finalize_on_demand(1);
      GC_set_java_finalization(1);  // all that finalizable objects reach is marked
      GC_INIT();
      GC_register_displacement(header_bytes);
      GC_word bitmap[] = {1};
      GC_make_descriptor(bitmap, 1);  // begins typed allocation; the descriptors need no making
      if (incremental) GC_enable_incremental();
      GC_allow_register_threads();
      push_others_ = GC_get_push_other_roots();
      GC_set_push_other_roots(push_all_roots);
      GC_set_on_collection_event(on_event);
      markers_begun = markers;
      incremental_begun = incremental;
    }
    bool const same_settings = markers_begun == markers && incremental_begun == incremental;
    CHURN_CHECK(same_settings);
    tell_deaths();  // those of former clients, to nobody
    locked([&] { client_ = &client; });
  }
  static void end() noexcept {
    locked([] { client_ = nullptr; });
  }

  // For the calling thread. The first returns whether it was not registered before, and only then
  // the second is due.
  static bool enter_thread() {
    GC_stack_base base;
    GC_get_stack_base(&base);
    return GC_register_my_thread(&base) == GC_SUCCESS;
  }
  static void leave_thread() { GC_unregister_my_thread(); }

  // Zeroed. `reference_bytes` from the start on may hold references, or all of it if `exact` is
  // false; nothing may if they are 0.
  CHURN_ALWAYS_INLINE static void* allocate(std::size_t bytes, std::size_t reference_bytes,
                                            bool exact) noexcept {
    if (reference_bytes == 0) {
      void* const cell = GC_malloc_atomic(bytes);
      if (cell != nullptr) __builtin_memset(cell, 0, bytes);
      return cell;
    }
    if (!exact) return GC_malloc(bytes);
    return GC_malloc_explicitly_typed(bytes, GC_DS_LENGTH | reference_bytes);
  }

  static void collect() noexcept { GC_gcollect(); }
  static void disable() noexcept { GC_disable(); }  // no collection from now on, but collect()
  static std::uint64_t collections() noexcept { return GC_get_gc_no(); }

  // body() under the collector's lock: no collection runs, nobody allocates. It must not itself.
  template <class Body>
  static void locked(Body const& body) {
    auto const run = [](void* erased) -> void* {
      (*static_cast<Body const*>(erased))();
      return nullptr;
    };
    GC_call_with_alloc_lock(run, const_cast<Body*>(&body));
  }
  // visit(start, bytes) for each block that the last collection has found reachable. pre: locked
  template <class Visit>
  static void for_each_survivor(Visit visit) {
    auto const run = [](void* block, size_t bytes, void* erased) {
      (*static_cast<Visit*>(erased))(block, bytes);
    };
    GC_enumerate_reachable_objects_inner(run, &visit);
  }
  // A word that names the start of an object, disguised, until that has been found dead. Not to be
  // moved.
  class WeakLink {
   public:
    WeakLink() noexcept = default;
    WeakLink(WeakLink const&) = delete;
    WeakLink& operator=(WeakLink const&) = delete;
    ~WeakLink() { aim(nullptr); }

    // pre: null or reachable
    void aim(void* object) {
      if (is_aimed_) GC_unregister_disappearing_link(&disguised_);
      is_aimed_ = object != nullptr;
      disguised_ = nullptr;
      if (object == nullptr) return;
      disguised_ = reinterpret_cast<void*>(GC_HIDE_POINTER(object));
      if (GC_general_register_disappearing_link(&disguised_, object) == GC_NO_MEMORY) {
        stop(Outcome::out_of_memory, "libgc has no memory for a weak reference");
      }
    }
    // Or null. pre: locked; the caller has put it where roots are before the lock is given back
    void* get() const noexcept {
      return disguised_ == nullptr ? nullptr
                                   : GC_REVEAL_POINTER(reinterpret_cast<GC_word>(disguised_));
    }

   private:
    void* disguised_ = nullptr;
    bool is_aimed_ = false;
  };
  // The client's died() will be called, once. pre: the start of an object that is reachable
  static void watch(void* object, std::uint64_t tag) {
    // Disguised: what bdwgc keeps for a finalizer it scans for references.
    GC_register_finalizer_no_order(object, tell, reinterpret_cast<void*>(~tag), nullptr, nullptr);
  }
  // Calls died() for each watched object that has been found dead.
  static void tell_deaths() {
    if (GC_should_invoke_finalizers() != 0) GC_invoke_finalizers();
  }

  // Where the block that holds this address starts, or null: no block does.
  static void* start_of(void* address) noexcept { return GC_base(address); }
  // In push_roots: one word that may hold a reference.
  static void push(void* word) noexcept { GC_push_all(word, static_cast<std::byte*>(word) + 8); }

 private:
  static void push_all_roots() {
    if (push_others_ != nullptr) push_others_();
    if (client_ != nullptr) client_->push_roots();
  }
  static void on_event(GC_EventType event) {
    if (client_ == nullptr) return;
    if (event == GC_EVENT_PRE_STOP_WORLD) client_->world_stops();
    if (event == GC_EVENT_POST_START_WORLD) client_->world_goes_on();
  }

  static void tell(void* object, void* disguised_tag) {
    if (client_ == nullptr) return;
    client_->died(object, ~static_cast<std::uint64_t>(reinterpret_cast<GC_word>(disguised_tag)));
  }

  static inline Client* client_ = nullptr;
  static inline GC_push_other_roots_proc push_others_ = nullptr;
};

}  // namespace churn::collectors
