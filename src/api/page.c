/* The first page: what this is, for a person who typed its address. Nothing on it runs. */
#include "api/route.h"
#include "base/embed.h"

static void page_file(struct exchange *x, const char *name, const char *type)
{
    const struct embedded_file *f = embedded_pages;
    while (f->name && strcmp(f->name, name) != 0)
        f++;
    check(f->name);
    x->response.status = 200;
    x->response.type = type;
    x->response.fixed = slice_make(f->data, f->size_bytes);
    x->step = EXCHANGE_DONE;
}

void page_first(struct exchange *x)
{
    page_file(x, x->vietnamese ? "page.vi.html" : "page.en.html", "text/html; charset=utf-8");
    response_header(&x->response, "Content-Language", x->vietnamese ? "vi" : "en");
    response_header(&x->response, "Vary", "Accept-Language");
}

void page_style(struct exchange *x)
{
    page_file(x, "page.css", "text/css; charset=utf-8");
}
