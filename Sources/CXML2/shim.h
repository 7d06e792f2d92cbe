#include <libxml/xmlversion.h>
// Debian's libxml2 is built with ICU, whose headers contradict those inside Foundation;
// nothing here uses what they declare.
#undef LIBXML_ICU_ENABLED
#include <libxml/parser.h>
#include <libxml/xmlreader.h>
#include <libxml/HTMLparser.h>
#include <libxml/SAX2.h>
#include <libxml/xmlerror.h>
