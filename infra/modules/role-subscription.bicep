// One custom role in one subscription, and its assignment to the app. Names of roles are unique in a tenant, so the
// environment's name and the subscription's id stand in them.

targetScope = 'subscription'

@description('A role as script/roles.py writes it: name, description, actions, notActions.')
param role object
param suffix string
param principalId string

resource definition 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, role.name, suffix)
  properties: {
    roleName: '${role.name} (${suffix}, ${subscription().subscriptionId})'
    description: role.description
    type: 'CustomRole'
    assignableScopes: [subscription().id]
    permissions: [{ actions: role.actions, notActions: role.notActions }]
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, role.name, principalId)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: definition.id
  }
}
