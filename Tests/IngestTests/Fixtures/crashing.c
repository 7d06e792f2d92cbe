// Preloaded into a reader process by ReaderProcessTests: parsers that end it where an input says so.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void act(const char *name) {
    if (!name) return;
    if (strstr(name, "poison-exit")) exit(1);  // as libarchive does in places
    if (strstr(name, "poison-abort")) abort();
    if (strstr(name, "poison-null")) *(volatile char *)0 = 1;
    if (strstr(name, "poison-loop"))
        for (;;) __asm__ volatile("");
    if (strstr(name, "poison-sleep")) pause();
    if (strstr(name, "poison-memory"))
        for (;;) {
            char *volatile more = malloc(1 << 20);  // volatile: what nobody reads is not even asked for
            if (more) memset(more, 1, 1 << 20);
            usleep(2000);
        }
}

// libarchive: amid the list of an archive.
int archive_read_next_header(void *archive, void **entry) {
    int (*next)(void *, void **) = dlsym(RTLD_NEXT, "archive_read_next_header");
    const char *(*name)(void *) = dlsym(RTLD_NEXT, "archive_entry_pathname");
    int result = next(archive, entry);
    if (result == 0 && *entry) {
        const char *text = name(*entry);
        if (text && strncmp(text, "list-", 5) == 0) act(text);
    }
    return result;
}

// GMime: in a mail whose structure it is asked for.
void *g_mime_parser_construct_message(void *parser, void *options) {
    void *(*construct)(void *, void *) = dlsym(RTLD_NEXT, "g_mime_parser_construct_message");
    void *(*part)(void *) = dlsym(RTLD_NEXT, "g_mime_message_get_mime_part");
    const char *(*header)(void *, const char *) = dlsym(RTLD_NEXT, "g_mime_object_get_header");
    void *message = construct(parser, options);
    if (message && part(message)) act(header(part(message), "Content-Description"));
    return message;
}

// libxml2: amid a text, in markup.
int xmlParseChunk(void *context, const char *chunk, int size, int terminate) {
    int (*parse)(void *, const char *, int, int) = dlsym(RTLD_NEXT, "xmlParseChunk");
    int result = parse(context, chunk, size, terminate);
    char *copy = strndup(chunk ? chunk : "", size > 0 ? size : 0);
    act(copy);
    free(copy);
    return result;
}
