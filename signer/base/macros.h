/* Attributes and scope cleanup shared by all of chio-hsm. */
#ifndef CHIO_BASE_MACROS_H
#define CHIO_BASE_MACROS_H

#define CHIO_MUST_CHECK __attribute__((warn_unused_result))
#define CHIO_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define CHIO_EXPORT __attribute__((visibility("default")))

/* CHIO_AUTO(chio_buf) struct chio_buf *b = NULL; calls chio_buf_free(b) at the end of the scope. */
#define CHIO_AUTO(type) __attribute__((cleanup(type##_auto)))

/* Declares the function that CHIO_AUTO needs, next to type##_free. */
#define CHIO_AUTO_DECLARE(type)                        \
  static inline void type##_auto(struct type **pp) {   \
    type##_free(*pp);                                  \
  }

/* Hands a CHIO_AUTO pointer over: *out = CHIO_STEAL(x); */
#define CHIO_STEAL(ptr)                    \
  __extension__({                          \
    __typeof__(ptr) chio_stolen_ = (ptr);  \
    (ptr) = NULL;                          \
    chio_stolen_;                          \
  })

#define CHIO_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* 1 in builds whose sanitizer runtime needs calls of its own: they run without filters, and dumpable. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CHIO_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define CHIO_SANITIZED 1
#endif
#endif
#ifndef CHIO_SANITIZED
#define CHIO_SANITIZED 0
#endif

#endif
