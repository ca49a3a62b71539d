#ifndef PIPWARD_DEMO_H
#define PIPWARD_DEMO_H
#define PIPWARD_DEMO 1
#endif
