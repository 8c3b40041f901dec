#include "allocators/malloc_library.hpp"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "allocators/catalogue.hpp"

namespace churn::allocators {
namespace {

#if defined(__x86_64__)
constexpr Elf64_Half our_machine = EM_X86_64;
#elif defined(__aarch64__)
constexpr Elf64_Half our_machine = EM_AARCH64;
#else
#error "churn runs on x86-64 and on 64-bit ARM"
#endif

// A whole file, mapped for reading. Empty where that failed, with the reason.
class MappedFile {
 public:
  explicit MappedFile(std::string const& path) {
    int const descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status{};
    if (descriptor < 0 || fstat(descriptor, &status) != 0) {
      why_not_ = errno == ENOENT ? "does not exist"
                                 : std::string("cannot be read: ") + std::strerror(errno);
    } else if (!S_ISREG(status.st_mode)) {
      why_not_ = S_ISDIR(status.st_mode) ? "is a directory" : "is not a file";
    } else if (status.st_size == 0) {
      why_not_ = "is empty";
    } else {
      size_ = static_cast<std::size_t>(status.st_size);
      start_ = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
      if (start_ == MAP_FAILED) why_not_ = std::string("cannot be mapped: ") + std::strerror(errno);
    }
    if (descriptor >= 0) close(descriptor);
  }
  ~MappedFile() {
    if (start_ != MAP_FAILED) munmap(start_, size_);
  }
  MappedFile(MappedFile const&) = delete;
  MappedFile& operator=(MappedFile const&) = delete;

  std::string const& why_not() const { return why_not_; }

  // A value at an offset; empty where it would reach past the end.
  template <class T>
  std::optional<T> at(std::uint64_t offset) const {
    if (offset > size_ || size_ - offset < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, static_cast<std::byte const*>(start_) + offset, sizeof value);
    return value;
  }
  bool holds(std::uint64_t offset, std::uint64_t bytes) const {
    return offset <= size_ && size_ - offset >= bytes;
  }
  // The string at an offset, which must end within the file.
  std::optional<std::string_view> text_at(std::uint64_t offset) const {
    if (offset >= size_) return std::nullopt;
    auto const* const text = static_cast<char const*>(start_) + offset;
    std::size_t const length = strnlen(text, size_ - offset);
    if (length == size_ - offset) return std::nullopt;
    return std::string_view(text, length);
  }

 private:
  void* start_ = MAP_FAILED;
  std::size_t size_ = 0;
  std::string why_not_;
};

std::string machine_name(Elf64_Half machine) {
  switch (machine) {
    case EM_386:
      return "32-bit x86";
    case EM_X86_64:
      return "x86-64";
    case EM_ARM:
      return "32-bit ARM";
    case EM_AARCH64:
      return "64-bit ARM";
    case EM_RISCV:
      return "RISC-V";
    default:
      return "machine number " + std::to_string(machine);
  }
}

constexpr char const* damaged = "is a damaged or incomplete library";

// The dynamic symbols of a library, as ld.so would find them.
class Symbols {
 public:
  Symbols(MappedFile const& file, Elf64_Ehdr const& header) : file_(file), header_(header) {}

  // Empty where all is well; else what is wrong with the file.
  std::string read() {
    for (unsigned i = 0; i < header_.e_phnum; ++i) {
      auto const segment =
          file_.at<Elf64_Phdr>(header_.e_phoff + std::uint64_t{i} * sizeof(Elf64_Phdr));
      if (!segment || !file_.holds(segment->p_offset, segment->p_filesz)) return damaged;
      if (segment->p_type == PT_DYNAMIC) dynamic_ = *segment;
    }
    if (dynamic_.p_filesz == 0) return "is a statically linked program, not a library";
    for (std::uint64_t done = 0; done + sizeof(Elf64_Dyn) <= dynamic_.p_filesz;
         done += sizeof(Elf64_Dyn)) {
      auto const entry = file_.at<Elf64_Dyn>(dynamic_.p_offset + done);
      if (!entry) return damaged;
      if (entry->d_tag == DT_NULL) break;
      if (entry->d_tag == DT_SYMTAB) symbols_ = offset_of(entry->d_un.d_ptr);
      if (entry->d_tag == DT_STRTAB) strings_ = offset_of(entry->d_un.d_ptr);
      if (entry->d_tag == DT_GNU_HASH) gnu_hash_ = offset_of(entry->d_un.d_ptr);
      if (entry->d_tag == DT_HASH) old_hash_ = offset_of(entry->d_un.d_ptr);
      if (entry->d_tag == DT_FLAGS_1) is_program_ = (entry->d_un.d_val & DF_1_PIE) != 0;
    }
    if (!symbols_ || !strings_ || (!gnu_hash_ && !old_hash_)) return damaged;
    return {};
  }

  bool is_program() const noexcept { return is_program_; }
  bool defines(std::string_view name) const {
    return gnu_hash_ ? defines_by_gnu_hash(name) : defines_by_old_hash(name);
  }

 private:
  // Where in the file an address of the loaded library lies.
  std::optional<std::uint64_t> offset_of(std::uint64_t address) const {
    for (unsigned i = 0; i < header_.e_phnum; ++i) {
      auto const segment =
          file_.at<Elf64_Phdr>(header_.e_phoff + std::uint64_t{i} * sizeof(Elf64_Phdr));
      if (!segment || segment->p_type != PT_LOAD || address < segment->p_vaddr) continue;
      if (address - segment->p_vaddr < segment->p_filesz)
        return address - segment->p_vaddr + segment->p_offset;
    }
    return std::nullopt;
  }

  bool defines_at(std::uint64_t index, std::string_view name) const {
    auto const symbol = file_.at<Elf64_Sym>(*symbols_ + index * sizeof(Elf64_Sym));
    if (!symbol || symbol->st_shndx == SHN_UNDEF) return false;
    unsigned const type = ELF64_ST_TYPE(symbol->st_info);
    if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE) return false;
    return file_.text_at(*strings_ + symbol->st_name) == name;
  }

  bool defines_by_gnu_hash(std::string_view name) const {
    std::uint32_t hash = 5381;
    for (char const letter : name) hash = hash * 33 + static_cast<unsigned char>(letter);
    struct Head {
      std::uint32_t buckets, first_symbol, bloom_words, bloom_shift;
    };
    auto const head = file_.at<Head>(*gnu_hash_);
    if (!head || head->buckets == 0) return false;
    std::uint64_t const buckets = *gnu_hash_ + sizeof(Head) + std::uint64_t{8} * head->bloom_words;
    std::uint64_t const chains = buckets + std::uint64_t{4} * head->buckets;
    auto const first = file_.at<std::uint32_t>(buckets + std::uint64_t{4} * (hash % head->buckets));
    if (!first || *first < head->first_symbol) return false;
    for (std::uint64_t index = *first;; ++index) {  // ends at a chain's last mark or the file's end
      auto const link = file_.at<std::uint32_t>(chains + 4 * (index - head->first_symbol));
      if (!link) return false;
      if ((*link | 1) == (hash | 1) && defines_at(index, name)) return true;
      if ((*link & 1) != 0) return false;
    }
  }

  // The older table says how many symbols there are; asking each of them is quick enough.
  bool defines_by_old_hash(std::string_view name) const {
    auto const count = file_.at<std::uint32_t>(*old_hash_ + 4);
    for (std::uint64_t index = 0; count && index < *count; ++index) {
      if (!file_.holds(*symbols_ + index * sizeof(Elf64_Sym), sizeof(Elf64_Sym))) return false;
      if (defines_at(index, name)) return true;
    }
    return false;
  }

  MappedFile const& file_;
  Elf64_Ehdr const& header_;
  Elf64_Phdr dynamic_{};
  bool is_program_ = false;
  std::optional<std::uint64_t> symbols_, strings_, gnu_hash_, old_hash_;
};

// Why ld.so of a process like ours would not take it at all, as why_no_malloc_library says it.
std::string why_foreign(MappedFile const& file) {
  if (!file.why_not().empty()) return file.why_not();
  struct Identity {
    unsigned char bytes[EI_NIDENT];
  };
  auto const identity = file.at<Identity>(0);
  if (!identity || std::memcmp(identity->bytes, ELFMAG, SELFMAG) != 0) return "is not an ELF file";
  if (identity->bytes[EI_CLASS] != ELFCLASS64) return "is a 32-bit file, this process has 64 bits";
  if (identity->bytes[EI_DATA] != ELFDATA2LSB) return "was built for a big-endian machine";
  auto const header = file.at<Elf64_Ehdr>(0);
  if (!header) return damaged;
  if (header->e_machine != our_machine) {
    return "was built for " + machine_name(header->e_machine) + ", this machine is " +
           machine_name(our_machine);
  }
  return header->e_phentsize == sizeof(Elf64_Phdr) ? "" : damaged;
}

}  // namespace

std::string why_no_malloc_library(std::string const& path) {
  MappedFile const file(path);
  if (std::string const why = why_foreign(file); !why.empty()) return why;
  auto const header = file.at<Elf64_Ehdr>(0);
  if (header->e_type != ET_DYN) return "is a program or an object file, not a shared library";
  Symbols symbols(file, *header);
  if (std::string const wrong = symbols.read(); !wrong.empty()) return wrong;
  if (symbols.is_program()) return "is a program, not a library";
  for (std::string_view const name : {"malloc", "free"}) {
    if (!symbols.defines(name)) return "is a library that defines no " + std::string(name);
  }
  return {};
}

bool shows_malloc(std::string const& path) {
  MappedFile const file(path);
  if (!why_foreign(file).empty()) return false;
  auto const header = file.at<Elf64_Ehdr>(0);
  Symbols symbols(file, *header);
  return symbols.read().empty() && symbols.defines("malloc");
}

}  // namespace churn::allocators
