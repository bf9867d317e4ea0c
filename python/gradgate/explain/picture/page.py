def page_of(flow, open): return ""
