// Source and sink together: whatever dies and wherever, at whatever parallelism it comes back, each
// input record stands in the output exactly once (reliability I-2, I-3, I-10, I-13).
#include <algorithm>
#include <set>

#include "engine/base/log.h"
#include "engine/base/random.h"
#include "engine/base/sim_fail_points.h"
#include "log_rig.h"

namespace weir {
namespace {

struct Checkpoint {
  std::vector<StatePiece> source, sink;
};

class Job {
 public:
  // A source that keeps its batches until the job carries them on.
  class KeepingSource : public SourceRig {
   public:
    using SourceRig::SourceRig;
    void Emit(int, RecordBatch batch) override { batches.push_back(std::move(batch)); }
    std::vector<RecordBatch> batches;
  };

  Job(LogWorld* world, Random* random, const Checkpoint* from, int64_t epoch)
      : random_(random), world_(world) {
    const int sources = 1 + static_cast<int>(random->Uniform(3));
    const int sinks = 1 + static_cast<int>(random->Uniform(3));
    LogSourceOptions options = LineSource();
    options.batch_rows = 1 + random->Uniform(4);
    options.chunk_bytes = 1 + random->Uniform(100);
    for (int s = 0; s < sources; ++s) {
      sources_.push_back(std::make_unique<KeepingSource>(
          world, options, from == nullptr ? std::vector<StatePiece>{} : from->source, s, sources));
    }
    for (int s = 0; s < sinks; ++s) {
      sinks_.push_back(std::make_unique<SinkRig>(world, s, sinks, epoch));
      sinks_.back()->Open();
      if (from != nullptr) sinks_.back()->Restore(from->sink);
    }
  }
  ~Job() {
    for (auto& sink : sinks_) sink->Kill();
  }

  void Step() {
    KeepingSource& source = *sources_[random_->Uniform(sources_.size())];
    SinkRig& sink = *sinks_[random_->Uniform(sinks_.size())];
    switch (random_->Uniform(4)) {
      case 0:
        source.PollOnce();
        break;
      case 1:
        world_->env.RunPending();
        break;
      case 2:
        sink.Run();
        break;
      case 3:
        Deliver(&source);
        break;
    }
  }
  // Nothing is left to do.
  void Finish() {
    for (int i = 0; i < 3; ++i) {
      for (auto& source : sources_) {
        source->Run();
        Deliver(source.get());
      }
      for (auto& sink : sinks_) sink->Run();
    }
  }
  // A barrier through all channels.
  void BeginCheckpoint() {
    parts_.clear();
    for (auto& source : sources_) {
      parts_.push_back(source->Snapshot());
      Deliver(source.get());
    }
    for (auto& sink : sinks_) parts_.push_back(sink->Snapshot());
  }
  bool TakeCheckpoint(Checkpoint* to) {
    if (parts_.empty()) return false;
    for (const auto& part : parts_) {
      if (!part->finished || !part->status.ok()) return false;
    }
    *to = {};
    for (size_t i = 0; i < parts_.size(); ++i) {
      std::vector<StatePiece>& pieces = i < sources_.size() ? to->source : to->sink;
      pieces.insert(pieces.end(), parts_[i]->pieces.begin(), parts_[i]->pieces.end());
    }
    parts_.clear();
    return true;
  }
  void ExpectNoFailures() {
    for (auto& s : sources_) EXPECT_THAT(s->failures, ::testing::IsEmpty());
    for (auto& s : sinks_) EXPECT_THAT(s->failures, ::testing::IsEmpty());
  }

 private:
  // To any sink: who repeats an output after a crash need not be who wrote it before.
  void Deliver(KeepingSource* source) {
    for (RecordBatch& batch : source->batches) {
      SinkRig& sink = *sinks_[random_->Uniform(sinks_.size())];
      sink.CanAccept();
      EXPECT_TRUE(sink.sink().Process(0, std::move(batch)).ok());
    }
    source->batches.clear();
  }

  Random* random_;
  LogWorld* world_;
  std::vector<std::unique_ptr<KeepingSource>> sources_;
  std::vector<std::unique_ptr<SinkRig>> sinks_;
  std::vector<std::shared_ptr<CollectedPart>> parts_;
};

class Scenario {
 public:
  explicit Scenario(uint64_t seed) : random_(seed) {
    const int partitions = 1 + static_cast<int>(random_.Uniform(3));
    for (int p = 0; p < partitions; ++p) {
      std::string text;
      for (uint64_t i = random_.Uniform(40); i > 0; --i) {
        const std::string name = std::to_string(p) + "/" + std::to_string(i);
        text += std::to_string(1000 + random_.Uniform(50)) + " " + name + "\n";
        expected_.push_back(name);
      }
      world_.Put("in", p, text);
    }
    std::sort(expected_.begin(), expected_.end());
  }

  void Run() {
    Checkpoint checkpoint;
    bool has_checkpoint = false;
    for (int64_t life = 1; life <= 7; ++life) {
      const bool last = life == 7;
      {
        Job job(&world_, &random_, has_checkpoint ? &checkpoint : nullptr, life);
        for (uint64_t steps = random_.Uniform(120); steps > 0; --steps) {
          job.Step();
          if (random_.OneIn(25)) job.BeginCheckpoint();
          if (job.TakeCheckpoint(&checkpoint)) has_checkpoint = true;
        }
        if (last) job.Finish();
        job.ExpectNoFailures();
      }
      if (last) break;
      if (random_.OneIn(2)) {
        world_.env.fs.Freeze();  // what still runs reaches no disk
        world_.env.RunPending();
        world_.PowerLoss(random_.Next());
      } else {
        world_.env.RunPending();  // a restart within the process: the old one's I/O goes on
        if (random_.OneIn(2)) world_.NewProcess();
      }
    }
  }

  std::vector<std::string> Output() {
    std::vector<std::string> rows;
    std::set<std::string> ids;
    const std::vector<int> partitions = world_.log->Partitions("out").value();
    for (const int p : partitions) {
      for (const auto& [value, id] : world_.ValuesAndEffects("out", p)) {
        const size_t begin = value.find("\"text\":\"") + 8;
        rows.push_back(value.substr(begin, value.size() - begin - 2));
        EXPECT_TRUE(ids.insert(id).second) << value;
      }
    }
    std::sort(rows.begin(), rows.end());
    return rows;
  }
  const std::vector<std::string>& expected() const { return expected_; }

 private:
  Random random_;
  LogWorld world_;
  std::vector<std::string> expected_;
};

// How many of the seeds went wrong.
int Failures(uint64_t seeds) {
  int wrong = 0;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    Scenario scenario(seed);
    scenario.Run();
    if (scenario.Output() != scenario.expected()) ++wrong;
  }
  return wrong;
}

TEST(Exactness, EachRecordOnceWhateverDies) {
  SetLogLevel(LogLevel::kError);
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scenario scenario(seed);
    scenario.Run();
    ASSERT_EQ(scenario.Output(), scenario.expected());
    if (::testing::Test::HasFailure()) return;
  }
}

// reliability 3b.9: an oracle that finds no bug that is put back proves nothing.
TEST(Exactness, FindsThePlantedBugs) {
  SetLogLevel(LogLevel::kError);
  SimFailPoints points([] {});
  points.PlantBug("B-17");
  SetFailPoints(&points);
  EXPECT_GT(Failures(20), 0);
  SetFailPoints(nullptr);
}

}  // namespace
}  // namespace weir
