// bare.c: what the libraries need alone, beside `lector documents` (measure_bare.sh).
//   bare sax FILE     a SAX pass of libxml2's push parser that counts text
//   bare gmime FILE   GMime over an mbox: every message constructed, every text part decoded
#include <gmime/gmime.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <string.h>

static size_t total;
static void characters(void *context, const xmlChar *text, int count) { (void)context, (void)text, total += count; }

static int sax(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) return 74;
    xmlSAXHandler handler = {.initialized = XML_SAX2_MAGIC, .characters = characters, .cdataBlock = characters};
    xmlParserCtxtPtr parser = xmlCreatePushParserCtxt(&handler, NULL, NULL, 0, NULL);
    xmlCtxtUseOptions(parser, XML_PARSE_NONET | XML_PARSE_HUGE);
    static char block[64 << 10];
    size_t count;
    while ((count = fread(block, 1, sizeof block, file)) > 0) xmlParseChunk(parser, block, (int)count, 0);
    xmlParseChunk(parser, NULL, 0, 1);
    printf("%zu bytes of text, well-formed: %d\n", total, parser->wellFormed);
    return 0;
}

static void part(GMimeObject *parent, GMimeObject *object, gpointer data) {
    (void)parent, (void)data;
    if (!GMIME_IS_TEXT_PART(object)) return;
    char *text = g_mime_text_part_get_text(GMIME_TEXT_PART(object));
    if (text) total += strlen(text);
    g_free(text);
}

static int gmime(const char *path) {
    g_mime_init();
    GMimeStream *stream = g_mime_stream_file_open(path, "rb", NULL);
    if (!stream) return 74;
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    g_mime_parser_set_format(parser, GMIME_FORMAT_MBOX);
    size_t mails = 0;
    while (!g_mime_parser_eos(parser)) {
        GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
        if (!message) continue;
        mails++;
        g_mime_message_get_subject(message);
        g_mime_message_foreach(message, part, NULL);
        g_object_unref(message);
    }
    printf("%zu mails, %zu bytes of text\n", mails, total);
    return 0;
}

int main(int count, char **arguments) {
    if (count != 3) return 64;
    return strcmp(arguments[1], "sax") == 0 ? sax(arguments[2]) : gmime(arguments[2]);
}
